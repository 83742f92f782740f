# XEP-0160, XEP-0203: what is kept while nobody takes it, in order, stamped, and given once
client romeo romeo/orchard
client balcony juliet/balcony
client chamber juliet/chamber
client declare juliet/never
romeo comes online
romeo sends
	<message to='{balcony.bare}' type='chat' id='1'><body>one</body></message>
	<message to='{balcony.bare}' id='2'><body>two</body></message>
	<message to='{balcony}' type='chat' id='3'><body>three</body></message>
	<message to='{balcony.bare}' type='chat' id='4'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>
	<message to='{balcony.bare}' type='chat' id='5'><body>no</body><no-store xmlns='urn:xmpp:hints'/></message>
	<message to='{balcony.bare}' type='headline' id='6'><body>no</body></message>
romeo receives
	<message from='{balcony.bare}' type='error' id='5'>{error:cancel:service-unavailable}</message>
romeo receives nothing
balcony connects
balcony sends
	<presence/>
balcony receives
	<presence from='{balcony}'/>
	<message from='{romeo}' to='{balcony.bare}' type='chat' id='1'><body>one</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='*'>*</delay></message>
	<message from='{romeo}' to='{balcony.bare}' id='2'><body>two</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='*'>*</delay></message>
	<message from='{romeo}' to='{balcony}' type='chat' id='3'><body>three</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='*'>*</delay></message>
balcony receives nothing
chamber comes online
chamber receives nothing
balcony disconnects
chamber disconnects
balcony comes online
balcony receives nothing

# RFC 6121 section 8.5.3.2.1: no such resource, several others: chat as to the bare JID, with `to` as
# it was; and with nobody there it is kept
client romeo romeo/orchard
client balcony juliet/balcony
client chamber juliet/chamber
client crypt juliet/crypt
romeo comes online
romeo sends
	<message to='{balcony.bare}/gone' type='chat' id='0'><body>x</body></message>
	<message to='{balcony.bare}/gone' id='n'><body>x</body></message>
romeo receives
	<message from='{balcony.bare}/gone' type='error' id='n'>{error:cancel:service-unavailable}</message>
balcony connects
balcony sends
	<presence/>
balcony receives
	<presence from='{balcony}'/>
	<message from='{romeo}' to='{balcony.bare}/gone' type='chat' id='0'><body>x</body><any/></message>
chamber comes online
crypt connects
crypt sends
	<presence><priority>-1</priority></presence>
balcony forgets
chamber forgets
crypt forgets
romeo sends
	<message to='{balcony.bare}/gone' type='chat' id='1'><body>x</body></message>
balcony receives
	<message from='{romeo}' to='{balcony.bare}/gone' type='chat' id='1'><body>x</body></message>
chamber receives
	<message from='{romeo}' to='{balcony.bare}/gone' type='chat' id='1'><body>x</body></message>
crypt receives nothing

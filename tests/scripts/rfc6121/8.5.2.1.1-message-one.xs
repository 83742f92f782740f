# RFC 6121 section 8.5.2.1.1: one resource that is not negative gets chat, normal and headline,
# with `to` as it was; groupchat is refused, error ignored; an unknown type is normal (5.2.2)
client romeo romeo/orchard
client juliet juliet/balcony
client crypt juliet/crypt
client silent juliet/silent
romeo comes online
juliet comes online
crypt connects
crypt sends
	<presence><priority>-1</priority></presence>
silent connects
crypt forgets
juliet forgets
romeo sends
	<message to='{juliet.bare}' type='chat' id='1'><body>x</body></message>
	<message to='{juliet.bare}' id='2'><body>x</body></message>
	<message to='{juliet.bare}' type='normal' id='3'><body>x</body></message>
	<message to='{juliet.bare}' type='headline' id='4'><body>x</body></message>
	<message to='{juliet.bare}' type='error' id='5'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	<message to='{juliet.bare}' type='groupchat' id='6'><body>x</body></message>
	<message to='{juliet.bare}' type='chat' id='7'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>
juliet receives in any order
	<message from='{romeo}' to='{juliet.bare}' type='chat' id='1'><body>x</body></message>
	<message from='{romeo}' to='{juliet.bare}' id='2'><body>x</body></message>
	<message from='{romeo}' to='{juliet.bare}' type='normal' id='3'><body>x</body></message>
	<message from='{romeo}' to='{juliet.bare}' type='headline' id='4'><body>x</body></message>
	<message from='{romeo}' to='{juliet.bare}' type='chat' id='7'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>
juliet receives nothing
crypt receives nothing
silent receives nothing
romeo receives
	<message from='{juliet.bare}' type='error' id='6'>{error:cancel:service-unavailable}</message>
romeo receives nothing

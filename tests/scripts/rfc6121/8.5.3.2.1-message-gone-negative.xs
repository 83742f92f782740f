# RFC 6121 section 8.5.3.2.1: no such resource, and those there are negative or not available: chat
# is kept; normal and groupchat answered, headline and error ignored
client romeo romeo/orchard
client crypt juliet/crypt
client silent juliet/silent
romeo comes online
crypt connects
crypt sends
	<presence><priority>-1</priority></presence>
crypt forgets
silent connects
romeo sends
	<message to='{crypt.bare}/gone' type='chat' id='1'><body>x</body></message>
	<message to='{crypt.bare}/gone' id='2'><body>x</body></message>
	<message to='{crypt.bare}/gone' type='groupchat' id='3'><body>x</body></message>
	<message to='{crypt.bare}/gone' type='headline' id='4'><body>x</body></message>
	<message to='{crypt.bare}/gone' type='error' id='5'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
romeo receives in any order
	<message from='{crypt.bare}/gone' type='error' id='2'>{error:cancel:service-unavailable}</message>
	<message from='{crypt.bare}/gone' type='error' id='3'>{error:cancel:service-unavailable}</message>
romeo receives nothing
crypt receives nothing
silent receives nothing
silent sends
	<presence/>
silent receives
	<presence from='{silent}'/>
	<presence from='{crypt}'><priority>-1</priority></presence>
	<message from='{romeo}' to='{crypt.bare}/gone' type='chat' id='1'><body>x</body><any/></message>
silent receives nothing

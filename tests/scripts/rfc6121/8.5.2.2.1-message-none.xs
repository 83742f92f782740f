# RFC 6121 section 8.5.2.2.1: no available resource (one that is only connected does not count):
# groupchat refused, headline and error ignored, chat and normal kept
client romeo romeo/orchard
client silent juliet/silent
romeo comes online
silent connects
romeo sends
	<message to='{silent.bare}' type='headline' id='1'><body>x</body></message>
	<message to='{silent.bare}' type='error' id='2'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	<message to='{silent.bare}' type='groupchat' id='3'><body>x</body></message>
	<message to='{silent.bare}' type='chat' id='4'><body>x</body></message>
	<message to='{silent.bare}' id='5'><body>x</body></message>
romeo receives
	<message from='{silent.bare}' type='error' id='3'>{error:cancel:service-unavailable}</message>
romeo receives nothing
silent receives nothing
silent sends
	<presence/>
silent receives
	<presence from='{silent}'/>
	<message from='{romeo}' to='{silent.bare}' type='chat' id='4'><body>x</body><any/></message>
	<message from='{romeo}' to='{silent.bare}' id='5'><body>x</body><any/></message>
silent receives nothing

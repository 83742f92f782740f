# RFC 6121 section 8.5.3.2.1: no such resource; chat as to the bare JID, normal and groupchat
# answered, headline and error ignored
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<message to='{juliet.bare}/gone' type='normal' id='n'><body>x</body></message>
romeo receives
	<message from='{juliet.bare}/gone' type='error' id='n'>{error:cancel:service-unavailable}</message>
romeo sends
	<message to='{juliet.bare}/gone' type='groupchat' id='g'><body>x</body></message>
romeo receives
	<message from='{juliet.bare}/gone' type='error' id='g'>{error:cancel:service-unavailable}</message>
romeo sends
	<message to='{juliet.bare}/gone' type='headline' id='h'><body>x</body></message>
	<message to='{juliet.bare}/gone' type='error' id='e'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
romeo receives nothing
juliet receives nothing
romeo sends
	<message to='{juliet.bare}/gone' type='chat' id='c'><body>x</body></message>
juliet receives
	<message from='{romeo}' to='{juliet.bare}/gone' type='chat' id='c'><body>x</body></message>

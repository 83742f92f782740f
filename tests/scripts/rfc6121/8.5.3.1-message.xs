# RFC 6121 section 8.5.3.1: every type to a full JID with that resource is delivered, whatever its
# priority
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet connects
juliet sends
	<presence><priority>-5</priority></presence>
juliet forgets
romeo sends
	<message to='{juliet}' type='chat' id='1'><body>a</body></message>
	<message to='{juliet}' id='2'><body>b</body></message>
	<message to='{juliet}' type='groupchat' id='3'><body>c</body></message>
	<message to='{juliet}' type='headline' id='4'><body>d</body></message>
	<message to='{juliet}' type='error' id='5'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
juliet receives in any order
	<message from='{romeo}' type='chat' id='1'><body>a</body></message>
	<message from='{romeo}' id='2'><body>b</body></message>
	<message from='{romeo}' type='groupchat' id='3'><body>c</body></message>
	<message from='{romeo}' type='headline' id='4'><body>d</body></message>
	<message from='{romeo}' type='error' id='5'><any/></message>

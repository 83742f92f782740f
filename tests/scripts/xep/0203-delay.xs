# XEP-0203: stamped when it waited for a resource that takes messages, though one was connected; not
# stamped when it was given at once
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet connects
romeo sends
	<message to='{juliet.bare}' type='chat' id='1'><body>x</body></message>
juliet receives nothing
juliet sends
	<presence/>
juliet receives
	<presence from='{juliet}'/>
	<message from='{romeo}' to='{juliet.bare}' type='chat' id='1'><body>x</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='*'>*</delay></message>
romeo sends
	<message to='{juliet.bare}' type='chat' id='2'><body>y</body></message>
juliet receives
	<message from='{romeo}' to='{juliet.bare}' type='chat' id='2'><body>y</body></message>

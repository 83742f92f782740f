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
# Section 5: a delay in the server's name, by somebody else, is discarded; those of others stay.
romeo sends
	<message to='{juliet.bare}' type='chat' id='3'><body>z</body><delay xmlns='urn:xmpp:delay' from='LocalHost' stamp='2001-01-01T00:00:00Z'/></message>
juliet receives
	<message from='{romeo}' to='{juliet.bare}' type='chat' id='3'><body>z</body></message>
romeo sends
	<message to='{juliet.bare}' type='chat' id='4'><body>z</body><delay xmlns='urn:xmpp:delay' from='room@elsewhere.example' stamp='2001-01-01T00:00:00Z'/></message>
juliet receives
	<message from='{romeo}' to='{juliet.bare}' type='chat' id='4'><body>z</body><delay xmlns='urn:xmpp:delay' from='room@elsewhere.example' stamp='2001-01-01T00:00:00Z'/></message>

# XEP-0160 section 3: a resource of negative priority is no reason to deliver; raising it is
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet connects
juliet sends
	<presence><priority>-1</priority></presence>
juliet forgets
romeo sends
	<message to='{juliet.bare}' type='chat' id='1'><body>later</body></message>
juliet receives nothing
juliet sends
	<presence><priority>1</priority></presence>
juliet receives
	<presence from='{juliet}'><priority>1</priority></presence>
	<message from='{romeo}' to='{juliet.bare}' type='chat' id='1'><body>later</body><any/></message>
juliet receives nothing

# RFC 6121 section 8.5.2.1.1: a headline goes to all non-negative resources, and is not kept
client romeo romeo/orchard
client balcony juliet/balcony
client chamber juliet/chamber
romeo comes online
balcony comes online
chamber comes online
balcony forgets
romeo sends
	<message to='{balcony.bare}' type='headline' id='h1'><body>news</body></message>
balcony receives
	<message from='{romeo}' type='headline' id='h1'><body>news</body></message>
chamber receives
	<message from='{romeo}' type='headline' id='h1'><body>news</body></message>
balcony disconnects
chamber disconnects
romeo sends
	<message to='{balcony.bare}' type='headline' id='h2'><body>old news</body></message>
romeo receives nothing
balcony comes online
balcony receives nothing

# RFC 6121 section 8.5.2.1.1: a chat message to the bare JID goes to the resources that take
# messages (all with a non-negative priority, choice b)
client romeo romeo/orchard
client balcony juliet/balcony
client chamber juliet/chamber
client crypt juliet/crypt
romeo comes online
balcony comes online
chamber comes online
crypt connects
crypt sends
	<presence><priority>-1</priority></presence>
crypt forgets
balcony forgets
chamber forgets
romeo sends
	<message to='{balcony.bare}' type='chat' id='m1'><body>Art thou not Romeo?</body></message>
balcony receives
	<message from='{romeo}' to='{balcony.bare}' type='chat' id='m1'><body>Art thou not Romeo?</body></message>
chamber receives
	<message from='{romeo}' to='{balcony.bare}' type='chat' id='m1'><body>Art thou not Romeo?</body></message>
crypt receives nothing
romeo receives nothing

# RFC 6121 section 8.5.2.1.1: all available resources are negative. Chat and normal are kept for
# later, groupchat is refused, headline and error are ignored
client romeo romeo/orchard
client crypt juliet/crypt
client vault juliet/vault
romeo comes online
crypt connects
crypt sends
	<presence><priority>-1</priority></presence>
crypt forgets
vault connects
vault sends
	<presence><priority>-7</priority></presence>
vault forgets
crypt forgets
romeo sends
	<message to='{crypt.bare}' type='chat' id='1'><body>x</body></message>
	<message to='{crypt.bare}' id='2'><body>x</body></message>
	<message to='{crypt.bare}' type='normal' id='3'><body>x</body></message>
	<message to='{crypt.bare}' type='headline' id='4'><body>x</body></message>
	<message to='{crypt.bare}' type='error' id='5'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	<message to='{crypt.bare}' type='groupchat' id='6'><body>x</body></message>
romeo receives
	<message from='{crypt.bare}' type='error' id='6'>{error:cancel:service-unavailable}</message>
romeo receives nothing
crypt receives nothing
vault receives nothing
crypt sends
	<presence/>
crypt receives
	<presence from='{crypt}'/>
	<message from='{romeo}' to='{crypt.bare}' type='chat' id='1'><body>x</body><any/></message>
	<message from='{romeo}' to='{crypt.bare}' id='2'><body>x</body><any/></message>
	<message from='{romeo}' to='{crypt.bare}' type='normal' id='3'><body>x</body><any/></message>
crypt receives nothing

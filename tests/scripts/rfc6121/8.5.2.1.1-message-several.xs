# RFC 6121 section 8.5.2.1.1: several resources, of equal, lower and negative priority: chat and
# normal go to all that are not negative (choice b), headline must
client romeo romeo/orchard
client balcony juliet/balcony
client chamber juliet/chamber
client garden juliet/garden
client crypt juliet/crypt
romeo comes online
balcony connects
balcony sends
	<presence><priority>5</priority></presence>
chamber connects
chamber sends
	<presence><priority>5</priority></presence>
garden connects
garden sends
	<presence/>
crypt connects
crypt sends
	<presence><priority>-128</priority></presence>
balcony forgets
chamber forgets
garden forgets
crypt forgets
romeo sends
	<message to='{balcony.bare}' type='chat' id='1'><body>x</body></message>
	<message to='{balcony.bare}' id='2'><body>x</body></message>
	<message to='{balcony.bare}' type='headline' id='3'><body>x</body></message>
	<message to='{balcony.bare}' type='error' id='4'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
	<message to='{balcony.bare}' type='groupchat' id='5'><body>x</body></message>
balcony receives in any order
	<message from='{romeo}' to='{balcony.bare}' type='chat' id='1'><body>x</body></message>
	<message from='{romeo}' to='{balcony.bare}' id='2'><body>x</body></message>
	<message from='{romeo}' to='{balcony.bare}' type='headline' id='3'><body>x</body></message>
chamber receives in any order
	<message from='{romeo}' to='{balcony.bare}' type='chat' id='1'><body>x</body></message>
	<message from='{romeo}' to='{balcony.bare}' id='2'><body>x</body></message>
	<message from='{romeo}' to='{balcony.bare}' type='headline' id='3'><body>x</body></message>
garden receives in any order
	<message from='{romeo}' to='{balcony.bare}' type='chat' id='1'><body>x</body></message>
	<message from='{romeo}' to='{balcony.bare}' id='2'><body>x</body></message>
	<message from='{romeo}' to='{balcony.bare}' type='headline' id='3'><body>x</body></message>
balcony receives nothing
chamber receives nothing
garden receives nothing
crypt receives nothing
romeo receives
	<message from='{balcony.bare}' type='error' id='5'>{error:cancel:service-unavailable}</message>
romeo receives nothing

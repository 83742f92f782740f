# RFC 6121 section 4: initial presence and probes, changes, unavailable with status, to subscribers and
# one's own resources, and the server's own when a stream breaks
client romeo romeo/orchard
client juliet juliet/balcony
client chamber juliet/chamber
romeo comes online
juliet comes online
romeo befriends juliet
juliet sends
	<presence><show>away</show><status>brb</status><x xmlns='urn:example:x'/></presence>
juliet receives
	<presence from='{juliet}'><show>away</show><status>brb</status><x xmlns='urn:example:x'/></presence>
romeo receives
	<presence from='{juliet}' to='{romeo.bare}'><show>away</show><status>brb</status><x xmlns='urn:example:x'/></presence>
chamber connects
chamber receives nothing
chamber sends
	<presence/>
chamber receives in any order
	<presence from='{chamber}'/>
	<presence from='{juliet}'><show>away</show><status>brb</status><x xmlns='urn:example:x'/></presence>
	<presence from='{romeo}'/>
juliet receives
	<presence from='{chamber}'/>
romeo receives
	<presence from='{chamber}' to='{romeo.bare}'/>
juliet sends
	<presence type='unavailable'><status>gone home</status></presence>
juliet receives
	<presence from='{juliet}' type='unavailable'><status>gone home</status></presence>
chamber receives
	<presence from='{juliet}' type='unavailable'><status>gone home</status></presence>
romeo receives
	<presence from='{juliet}' to='{romeo.bare}' type='unavailable'><status>gone home</status></presence>
chamber drops
romeo receives
	<presence from='{chamber}' to='{romeo.bare}' type='unavailable'/>
juliet receives nothing
romeo disconnects
romeo connects
romeo sends
	<presence/>
romeo receives
	<presence from='{romeo}'/>
romeo forgets

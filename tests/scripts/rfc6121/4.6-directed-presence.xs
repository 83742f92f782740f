# RFC 6121 section 4.6: directed presence, and its end with the session
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<presence to='{juliet}'><show>chat</show></presence>
juliet receives
	<presence from='{romeo}' to='{juliet}'><show>chat</show></presence>
romeo sends
	<presence><show>away</show></presence>
juliet receives nothing
romeo drops
juliet receives
	<presence from='{romeo}' type='unavailable'/>

# RFC 6121 section 4.3.2: a client's probe: every available resource for who may see it, one's own too;
# a stranger's is not answered by presence
client romeo romeo/orchard
client juliet juliet/balcony
client stranger tybalt/square
romeo comes online
juliet comes online
stranger comes online
romeo befriends juliet
juliet sends
	<presence><show>xa</show></presence>
juliet forgets
romeo forgets
romeo sends
	<presence to='{juliet.bare}' type='probe'/>
romeo receives
	<presence from='{juliet}' to='{romeo}'><show>xa</show></presence>
romeo sends
	<presence to='{juliet}' type='probe'/>
romeo receives
	<presence from='{juliet}' to='{romeo}'><show>xa</show></presence>
stranger sends
	<presence to='{juliet.bare}' type='probe'/>
stranger receives nothing
juliet receives nothing

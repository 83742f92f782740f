# RFC 6121 section 4.3.2: a client's probe: every available resource for who may see it, one's own too; of a
# resource only that it is available; a stranger's is not answered by presence
client romeo romeo/orchard
client juliet juliet/balcony
client stranger tybalt/square
romeo comes online
juliet comes online
stranger comes online
romeo befriends juliet
juliet sends
	<presence id='busy'><show>xa</show></presence>
juliet forgets
romeo forgets
romeo sends
	<presence to='{juliet.bare}' type='probe' id='p1'/>
romeo receives
	<presence from='{juliet}' to='{romeo}' id='busy'><show>xa</show></presence>
romeo sends
	<presence to='{juliet}' type='probe' id='p2'/>
romeo receives
	<presence from='{juliet}' to='{romeo}' id='busy'/>
romeo sends
	<presence to='{juliet.bare}/gone' type='probe' id='p3'/>
romeo receives
	<presence from='{juliet.bare}/gone' to='{romeo}' type='unavailable' id='p3'/>
stranger sends
	<presence to='{juliet.bare}' type='probe'/>
stranger receives nothing
juliet sends
	<presence type='unavailable'/>
romeo receives
	<presence from='{juliet}' type='unavailable'/>
romeo sends
	<presence to='{juliet.bare}' type='probe' id='p4'/>
romeo receives
	<presence from='{juliet.bare}' to='{romeo}' type='unavailable' id='p4'><delay xmlns='urn:xmpp:delay' from='{juliet.bare}' stamp='*'/></presence>
juliet forgets
juliet receives nothing

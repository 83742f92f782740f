# RFC 6121 section 4.6.6: who was sent directed presence may ask whether that resource is still there; it hears
# that and no more
client romeo romeo/orchard
client juliet juliet/balcony
client tybalt tybalt/square
romeo comes online
juliet comes online
tybalt comes online
romeo sends
	<presence to='{juliet}'><status>here</status></presence>
juliet forgets
juliet sends
	<presence to='{romeo}' type='probe' id='p1'/>
juliet receives
	<presence from='{romeo}' to='{juliet}' id='p1'/>
juliet sends
	<presence to='{romeo.bare}' type='probe' id='p2'/>
juliet receives nothing
tybalt sends
	<presence to='{romeo}' type='probe' id='p3'/>
tybalt receives nothing
# Section 4.6.1: whoever sends unavailable presence is not told of the end
juliet sends
	<presence to='{romeo}' type='unavailable'/>
romeo receives
	<presence from='{juliet}' to='{romeo}' type='unavailable'/>
romeo drops
juliet receives nothing

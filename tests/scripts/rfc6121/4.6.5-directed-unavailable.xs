# RFC 6121 section 4.6.3: directed unavailable presence ends it; those who had directed presence hear
# of the end of the session, subscribed ones once
client romeo romeo/orchard
client juliet juliet/balcony
client tybalt tybalt/square
romeo comes online
juliet comes online
tybalt comes online
romeo befriends juliet
romeo sends
	<presence to='{juliet}'/>
	<presence to='{tybalt}'/>
juliet receives
	<presence from='{romeo}' to='{juliet}'/>
tybalt receives
	<presence from='{romeo}' to='{tybalt}'/>
romeo sends
	<presence to='{tybalt}' type='unavailable'/>
tybalt receives
	<presence from='{romeo}' to='{tybalt}' type='unavailable'/>
romeo sends
	<presence to='{tybalt.bare}'/>
tybalt receives
	<presence from='{romeo}' to='{tybalt.bare}'/>
romeo sends
	<presence type='unavailable'/>
romeo forgets
tybalt receives
	<presence from='{romeo}' to='{tybalt.bare}' type='unavailable'/>
tybalt receives nothing
juliet receives in any order
	<presence from='{romeo}' to='{juliet.bare}' type='unavailable'/>
juliet forgets

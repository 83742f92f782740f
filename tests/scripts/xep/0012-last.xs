# XEP-0012: uptime; an account's last leave with its status, for who may see its presence
client romeo romeo/orchard
client juliet juliet/balcony
client tybalt tybalt/square
romeo comes online
juliet comes online
tybalt comes online
romeo befriends juliet
romeo sends
	<iq type='get' to='{juliet.bare}' id='1'><query xmlns='jabber:iq:last'/></iq>
romeo receives
	<iq type='result' from='{juliet.bare}' id='1'><query xmlns='jabber:iq:last' seconds='0'/></iq>
juliet sends
	<presence type='unavailable'><status>Heading home</status></presence>
juliet disconnects
romeo forgets
romeo sends
	<iq type='get' to='{juliet.bare}' id='2'><query xmlns='jabber:iq:last'/></iq>
romeo receives
	<iq type='result' from='{juliet.bare}' id='2'><query xmlns='jabber:iq:last' seconds='*'>Heading home</query></iq>
tybalt sends
	<iq type='get' to='{juliet.bare}' id='3'><query xmlns='jabber:iq:last'/></iq>
	<iq type='get' to='localhost' id='4'><query xmlns='jabber:iq:last'/></iq>
tybalt receives in any order
	<iq type='error' from='{juliet.bare}' id='3'>{error:auth:forbidden}</iq>
	<iq type='result' from='localhost' id='4'><query xmlns='jabber:iq:last' seconds='*'/></iq>

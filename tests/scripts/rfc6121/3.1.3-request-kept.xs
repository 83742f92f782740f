# RFC 6121 section 3.1.3: a request to an offline contact is kept whole and shown at each login
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
romeo sends
	<presence to='{juliet.bare}' type='subscribe' id='q'><status>remember me</status></presence>
romeo receives nothing
juliet connects
juliet sends
	<presence/>
juliet receives in any order
	<presence from='{juliet}'/>
	<presence from='{romeo.bare}' type='subscribe' id='q'><status>remember me</status></presence>
juliet disconnects
juliet connects
juliet sends
	<presence/>
juliet receives in any order
	<presence from='{juliet}'/>
	<presence from='{romeo.bare}' type='subscribe' id='q'><status>remember me</status></presence>
juliet sends
	<presence to='{romeo.bare}' type='unsubscribed'/>
juliet disconnects
juliet comes online
juliet receives nothing

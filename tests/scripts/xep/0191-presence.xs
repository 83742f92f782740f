# XEP-0191 section 3.3: on block the contact sees us leave, on unblock come back; while blocked nothing
# passes in either direction; pushes only to resources that asked
client romeo romeo/orchard
client juliet juliet/balcony
client other juliet/other
romeo comes online
juliet comes online
other comes online
juliet forgets
romeo befriends juliet
juliet sends
	<iq type='get' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>
juliet receives
	<iq type='result' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>
juliet sends
	<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block></iq>
juliet receives in any order
	<iq type='result' id='b'/>
	<iq type='set' id='*'><block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block></iq>
other receives nothing
romeo receives in any order
	<presence from='{juliet}' to='{romeo.bare}' type='unavailable'/>
	<presence from='{other}' to='{romeo.bare}' type='unavailable'/>
romeo sends
	<presence to='{juliet}'><show>chat</show></presence>
	<presence to='{juliet.bare}' type='subscribe'/>
	<iq type='get' to='{juliet}' id='q'><ping xmlns='urn:xmpp:ping'/></iq>
	<message to='{juliet.bare}' type='headline' id='h'><body>x</body></message>
romeo receives
	<iq type='error' from='{juliet}' id='q'>{error:cancel:service-unavailable}</iq>
romeo forgets
juliet receives nothing
juliet sends
	<presence><show>dnd</show></presence>
juliet forgets
other forgets
romeo receives nothing
juliet sends
	<iq type='get' id='m'><blocklist xmlns='urn:xmpp:blocking'/></iq>
	<iq type='set' id='u'><unblock xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></unblock></iq>
juliet receives in any order
	<iq type='result' id='m'><blocklist xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></blocklist></iq>
	<iq type='result' id='u'/>
	<iq type='set' id='*'><unblock xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></unblock></iq>
romeo receives in any order
	<presence from='{juliet}' to='{romeo.bare}'><show>dnd</show></presence>
	<presence from='{other}' to='{romeo.bare}'/>

# RFC 6121 section 3.1.2: a request that was not answered is sent again when the user comes online: a contact who had
# blocked the user then hears of it now. One that has it is shown it once
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
juliet sends
	<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block></iq>
juliet receives
	<iq type='result' id='b'/>
romeo sends
	<presence to='{juliet.bare}' type='subscribe'/>
juliet receives nothing
juliet sends
	<iq type='set' id='u'><unblock xmlns='urn:xmpp:blocking'/></iq>
juliet receives
	<iq type='result' id='u'/>
juliet receives nothing
romeo disconnects
romeo comes online
juliet receives
	<presence from='{romeo.bare}' to='{juliet.bare}' type='subscribe'/>
romeo disconnects
romeo comes online
juliet receives nothing
juliet sends
	<presence to='{romeo.bare}' type='unsubscribed'/>
romeo disconnects
romeo comes online
juliet receives nothing

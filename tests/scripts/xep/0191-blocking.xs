# XEP-0191: blocking, its errors both ways, unblocking
client romeo romeo/orchard
client juliet juliet/balcony
client other juliet/other
romeo comes online
juliet comes online
other connects
other sends
	<iq type='get' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>
other receives
	<iq type='result' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>
juliet sends
	<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block></iq>
juliet receives
	<iq type='result' id='b'/>
juliet receives nothing
other receives
	<iq type='set' id='*'><block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block></iq>
romeo sends
	<message to='{juliet}' type='chat' id='m'><body>x</body></message>
romeo receives
	<message from='{juliet}' type='error' id='m'>{error:cancel:service-unavailable}</message>
juliet sends
	<message to='{romeo}' type='chat' id='n'><body>x</body></message>
juliet receives
	<message from='{romeo}' type='error' id='n'><any/><error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/></error></message>
juliet sends
	<iq type='set' id='u'><unblock xmlns='urn:xmpp:blocking'/></iq>
juliet receives
	<iq type='result' id='u'/>
romeo sends
	<message to='{juliet}' type='chat' id='o'><body>again</body></message>
juliet receives
	<message from='{romeo}' type='chat' id='o'><body>again</body></message>
juliet sends
	<iq type='set' id='e'><block xmlns='urn:xmpp:blocking'/></iq>
juliet receives
	<iq type='error' id='e'>{error:modify:bad-request}</iq>

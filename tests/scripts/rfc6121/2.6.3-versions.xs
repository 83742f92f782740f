# RFC 6121 section 2.6: individual pushes of what changed since, in order; a removal gives it whole
client juliet juliet/balcony
juliet connects
juliet sends
	<iq type='get' id='0'><query xmlns='jabber:iq:roster' ver=''/></iq>
juliet receives
	<iq type='result' id='0'><query xmlns='jabber:iq:roster' ver='?v0'/></iq>
juliet sends
	<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='a@example.com'/></query></iq>
	<iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='b@example.com'/></query></iq>
	<iq type='set' id='3'><query xmlns='jabber:iq:roster'><item jid='c@example.com'/></query></iq>
juliet receives in any order
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='?v1'><item jid='a@example.com' subscription='none'/></query></iq>
	<iq type='result' id='1'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='?v2'><item jid='b@example.com' subscription='none'/></query></iq>
	<iq type='result' id='2'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='?v3'><item jid='c@example.com' subscription='none'/></query></iq>
	<iq type='result' id='3'/>
juliet disconnects
juliet connects
juliet sends
	<iq type='get' id='4'><query xmlns='jabber:iq:roster' ver='{v1}'/></iq>
juliet receives
	<iq type='result' id='4'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='{v2}'><item jid='b@example.com' subscription='none'/></query></iq>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='{v3}'><item jid='c@example.com' subscription='none'/></query></iq>
juliet sends
	<iq type='set' id='5'><query xmlns='jabber:iq:roster'><item jid='b@example.com' subscription='remove'/></query></iq>
juliet forgets
juliet sends
	<iq type='get' id='6'><query xmlns='jabber:iq:roster' ver='{v3}'/></iq>
juliet receives
	<iq type='result' id='6'><query xmlns='jabber:iq:roster' ver='?v4'><item jid='a@example.com' subscription='none'/><item jid='c@example.com' subscription='none'/></query></iq>

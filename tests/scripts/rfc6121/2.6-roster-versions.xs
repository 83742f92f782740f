# RFC 6121 section 2.6: an empty result when nothing changed
client juliet juliet/balcony
juliet connects
juliet sends
	<iq type='get' id='0'><query xmlns='jabber:iq:roster' ver=''/></iq>
juliet receives
	<iq type='result' id='0'><query xmlns='jabber:iq:roster' ver='?old'/></iq>
juliet sends
	<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='nurse@example.com'/></query></iq>
juliet receives in any order
	<iq type='result' id='s'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='?new'><item jid='nurse@example.com' subscription='none'/></query></iq>
juliet sends
	<iq type='get' id='g'><query xmlns='jabber:iq:roster' ver='{new}'/></iq>
juliet receives
	<iq type='result' id='g'/>
juliet receives nothing
juliet sends
	<iq type='get' id='h'><query xmlns='jabber:iq:roster' ver='{old}'/></iq>
juliet receives
	<iq type='result' id='h'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='{new}'><item jid='nurse@example.com' subscription='none'/></query></iq>
juliet sends
	<iq type='get' id='i'><query xmlns='jabber:iq:roster' ver='unknown'/></iq>
juliet receives
	<iq type='result' id='i'><query xmlns='jabber:iq:roster' ver='{new}'><item jid='nurse@example.com' subscription='none'/></query></iq>

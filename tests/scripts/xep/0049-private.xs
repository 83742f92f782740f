# XEP-0049: stored and returned by namespace; unknown is returned empty
client juliet juliet/balcony
juliet connects
juliet sends
	<iq type='set' id='s'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus></query></iq>
juliet receives
	<iq type='result' id='s'/>
juliet sends
	<iq type='get' id='g'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query></iq>
juliet receives
	<iq type='result' id='g'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus></query></iq>
juliet sends
	<iq type='get' id='h'><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query></iq>
juliet receives
	<iq type='result' id='h'><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query></iq>

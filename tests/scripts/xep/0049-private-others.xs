# XEP-0049 section 7: nobody reaches another's data; a request with nothing, or more than one thing, or
# in a reserved namespace
client romeo romeo/orchard
client juliet juliet/balcony
romeo connects
juliet connects
romeo sends
	<iq type='get' to='{juliet.bare}' id='1'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query></iq>
	<iq type='set' to='{juliet.bare}' id='2'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query></iq>
romeo receives
	<iq type='error' from='{juliet.bare}' id='1'>{error:auth:forbidden}</iq>
	<iq type='error' from='{juliet.bare}' id='2'>{error:auth:forbidden}</iq>
romeo sends
	<iq type='get' id='3'><query xmlns='jabber:iq:private'/></iq>
romeo receives
	<iq type='error' id='3'>{error:modify:bad-request}</iq>

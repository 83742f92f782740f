# RFC 6121 section 2.1.5 in spirit, section 2.3.3: nobody reads or changes another's roster
client romeo romeo/orchard
client juliet juliet/balcony
romeo connects
juliet connects
romeo sends
	<iq type='set' to='{juliet.bare}' id='1'><query xmlns='jabber:iq:roster'><item jid='a@example.com'/></query></iq>
romeo receives
	<iq type='error' from='{juliet.bare}' id='1'>{error:auth:forbidden}</iq>
romeo sends
	<iq type='get' to='{juliet.bare}' id='2'><query xmlns='jabber:iq:roster'/></iq>
romeo receives
	<iq type='error' from='{juliet.bare}' id='2'>{error:auth:forbidden}</iq>

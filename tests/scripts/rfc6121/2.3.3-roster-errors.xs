# RFC 6121 section 2.3.3: what a roster set may not hold
client juliet juliet/balcony
juliet connects
juliet sends
	<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='a@example.com'/><item jid='b@example.com'/></query></iq>
juliet receives
	<iq type='error' id='1'>{error:modify:bad-request}</iq>
juliet sends
	<iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='a@example.com'><group></group></item></query></iq>
juliet receives
	<iq type='error' id='2'>{error:modify:not-acceptable}</iq>
juliet sends
	<iq type='set' id='3'><query xmlns='jabber:iq:roster'><item jid='a@example.com'><group>x</group><group>x</group></item></query></iq>
juliet receives
	<iq type='error' id='3'>{error:modify:bad-request}</iq>
juliet sends
	<iq type='set' id='4'><query xmlns='jabber:iq:roster'/></iq>
juliet receives
	<iq type='error' id='4'>{error:modify:bad-request}</iq>

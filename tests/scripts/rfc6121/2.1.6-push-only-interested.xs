# RFC 6121 sections 2.1.6 and 2.2: only a resource that asked for the roster gets pushes; an item's
# name and groups; a get may hold no item
client juliet juliet/balcony
client plain juliet/plain
juliet connects
plain connects
juliet sends
	<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
juliet forgets
plain sends
	<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='A@Example.com' name='A &amp; B'><group>G1</group><group>G2</group></item></query></iq>
plain receives
	<iq type='result' id='1'/>
juliet receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='a@example.com' name='A &amp; B' subscription='none'><group>G1</group><group>G2</group></item></query></iq>
plain receives nothing
plain sends
	<iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='a@example.com'/></query></iq>
plain receives
	<iq type='result' id='2'/>
juliet receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='a@example.com' subscription='none'/></query></iq>

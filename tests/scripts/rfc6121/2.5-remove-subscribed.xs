# RFC 6121 section 2.5.2: removing a contact cancels both subscriptions
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
juliet sends
	<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
romeo befriends juliet
juliet sends
	<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='{romeo.bare}' subscription='remove'/></query></iq>
juliet receives in any order
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{romeo.bare}' subscription='remove'/></query></iq>
	<iq type='result' id='x'/>
	<presence from='{romeo}' to='{juliet.bare}' type='unavailable'/>
romeo receives in any order
	<presence from='{juliet}' to='{romeo.bare}' type='unavailable'/>
	<presence from='{juliet.bare}' to='{romeo.bare}' type='unsubscribe'/>
	<presence from='{juliet.bare}' to='{romeo.bare}' type='unsubscribed'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{juliet.bare}' subscription='*'/></query></iq>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{juliet.bare}' subscription='none'/></query></iq>
romeo receives nothing
juliet receives nothing

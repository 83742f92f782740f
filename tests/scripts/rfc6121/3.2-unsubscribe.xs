# RFC 6121 sections 3.2 and 3.3: cancelling and unsubscribing, with unavailable presence before
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
	<presence to='{romeo.bare}' type='unsubscribed'/>
juliet receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{romeo.bare}' subscription='to'/></query></iq>
romeo receives in any order
	<presence from='{juliet}' to='{romeo.bare}' type='unavailable'/>
	<presence from='{juliet.bare}' to='{romeo.bare}' type='unsubscribed'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{juliet.bare}' subscription='from'/></query></iq>
juliet receives nothing
juliet sends
	<presence to='{romeo}' type='unsubscribe'/>
juliet receives in any order
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{romeo.bare}' subscription='none'/></query></iq>
	<presence from='{romeo}' to='{juliet.bare}' type='unavailable'/>
romeo receives in any order
	<presence from='{juliet.bare}' to='{romeo.bare}' type='unsubscribe'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{juliet.bare}' subscription='none'/></query></iq>
romeo receives nothing
juliet receives nothing
romeo sends
	<presence><show>away</show></presence>
romeo forgets
juliet receives nothing

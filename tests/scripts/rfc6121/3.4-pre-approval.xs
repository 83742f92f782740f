# RFC 6121 section 3.4: approved before it was asked; the request is answered by the server and not
# shown; cancelled by unsubscribed
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
romeo sends
	<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
romeo forgets
juliet comes online
juliet sends
	<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
juliet forgets
juliet sends
	<presence to='{romeo.bare}' type='subscribed'/>
juliet receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{romeo.bare}' subscription='none' approved='true'/></query></iq>
romeo receives nothing
juliet sends
	<presence to='{romeo.bare}' type='unsubscribed'/>
juliet receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{romeo.bare}' subscription='none'/></query></iq>
romeo receives nothing
juliet sends
	<presence to='{romeo.bare}' type='subscribed'/>
juliet receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{romeo.bare}' subscription='none' approved='true'/></query></iq>
romeo sends
	<presence to='{juliet.bare}' type='subscribe'/>
romeo receives in any order
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{juliet.bare}' subscription='none' ask='subscribe'/></query></iq>
	<presence from='{juliet.bare}' to='{romeo.bare}' type='subscribed'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{juliet.bare}' subscription='to'/></query></iq>
	<presence from='{juliet}' to='{romeo.bare}'/>
juliet receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{romeo.bare}' subscription='from'/></query></iq>
juliet receives nothing

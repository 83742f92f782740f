# RFC 6121 section 3.1: a subscription asked for and granted, with roster pushes and presence
client romeo romeo/orchard
client juliet juliet/balcony
romeo connects
romeo sends
	<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
	<presence/>
romeo forgets
juliet connects
juliet sends
	<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
	<presence><show>away</show></presence>
juliet forgets
romeo sends
	<presence to='{juliet}' type='subscribe' id='s1'/>
romeo receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{juliet.bare}' subscription='none' ask='subscribe'/></query></iq>
juliet receives
	<presence from='{romeo.bare}' to='{juliet.bare}' type='subscribe' id='s1'/>
juliet sends
	<presence to='{romeo.bare}' type='subscribed' id='s2'/>
juliet receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{romeo.bare}' subscription='from'/></query></iq>
romeo receives in any order
	<presence from='{juliet.bare}' to='{romeo.bare}' type='subscribed' id='s2'/>
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='{juliet.bare}' subscription='to'/></query></iq>
	<presence from='{juliet}' to='{romeo.bare}'><show>away</show></presence>
juliet sends
	<presence><show>dnd</show></presence>
romeo receives
	<presence from='{juliet}'><show>dnd</show></presence>
juliet drops
romeo receives
	<presence from='{juliet}' type='unavailable'/>
juliet connects
juliet sends
	<presence/>
romeo receives
	<presence from='{juliet}'/>
romeo disconnects
romeo connects
romeo sends
	<presence/>
romeo receives in any order
	<presence from='{romeo}'/>
	<presence from='{juliet}'/>
juliet forgets
juliet sends
	<presence to='{romeo.bare}' type='unsubscribed'/>
romeo receives in any order
	<presence from='{juliet}' type='unavailable'/>
juliet receives nothing

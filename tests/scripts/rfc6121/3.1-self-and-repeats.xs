# RFC 6121 section 3.1: to oneself nothing happens; a repeated request is routed and not shown twice;
# one to a full JID counts for the account
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<presence to='{romeo.bare}' type='subscribe'/>
	<presence to='{romeo.bare}' type='subscribed'/>
	<presence to='{romeo.bare}' type='unsubscribe'/>
	<presence to='{romeo.bare}' type='unsubscribed'/>
romeo receives nothing
romeo sends
	<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
romeo receives
	<iq type='result' id='r'><query xmlns='jabber:iq:roster' ver='*'/></iq>
romeo sends
	<presence to='{juliet}' type='subscribe'/>
romeo forgets
juliet receives
	<presence from='{romeo.bare}' to='{juliet.bare}' type='subscribe'/>
romeo sends
	<presence to='{juliet.bare}' type='subscribe'/>
juliet receives nothing
romeo receives nothing

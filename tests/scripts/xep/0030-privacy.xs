# XEP-0030 section 8: disco of an account by one who is subscribed, by a stranger, and of nobody: strangers cannot
# tell the last two apart, and get no items
client romeo romeo/orchard
client juliet juliet/balcony
client tybalt tybalt/square
romeo comes online
juliet comes online
tybalt comes online
romeo befriends juliet
romeo sends
	<iq type='get' to='{juliet.bare}' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
	<iq type='get' to='{juliet.bare}' id='2'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>
romeo receives in any order
	<iq type='result' from='{juliet.bare}' id='1'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='account' type='registered'/><any/></query></iq>
	<iq type='result' from='{juliet.bare}' id='2'><query xmlns='http://jabber.org/protocol/disco#items'><any/></query></iq>
tybalt sends
	<iq type='get' to='{juliet.bare}' id='3'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
	<iq type='get' to='{juliet.bare}' id='4'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>
	<iq type='get' to='{nobody}' id='5'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
	<iq type='get' to='{nobody}' id='6'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>
tybalt receives in any order
	<iq type='error' from='{juliet.bare}' id='3'>{error:cancel:service-unavailable}</iq>
	<iq type='result' from='{juliet.bare}' id='4'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>
	<iq type='error' from='{nobody}' id='5'>{error:cancel:service-unavailable}</iq>
	<iq type='result' from='{nobody}' id='6'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>

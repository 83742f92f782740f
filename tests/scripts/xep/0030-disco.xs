# XEP-0030: the server's identity and features; an account is seen by its owner, not by strangers
client romeo romeo/orchard
client juliet juliet/balcony
romeo connects
juliet connects
juliet sends
	<iq type='get' to='localhost' id='i'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
juliet receives
	<iq type='result' from='localhost' id='i'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='Mercutio'/><any/></query></iq>
juliet sends
	<iq type='get' to='localhost' id='n'><query xmlns='http://jabber.org/protocol/disco#info' node='nowhere'/></iq>
juliet receives
	<iq type='error' from='localhost' id='n'>{error:cancel:item-not-found}</iq>
juliet sends
	<iq type='get' to='{juliet.bare}' id='o'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
juliet receives
	<iq type='result' from='{juliet.bare}' id='o'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='account' type='registered'/><any/></query></iq>
romeo sends
	<iq type='get' to='{juliet.bare}' id='s'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
romeo receives
	<iq type='error' from='{juliet.bare}' id='s'>{error:cancel:service-unavailable}</iq>
juliet sends
	<iq type='get' to='localhost' id='t'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>
juliet receives
	<iq type='result' from='localhost' id='t'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>

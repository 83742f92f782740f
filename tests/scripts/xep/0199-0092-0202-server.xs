# XEP-0199, XEP-0092, XEP-0202, XEP-0012: what the server says of itself
client juliet juliet/balcony
juliet connects
juliet sends
	<iq type='get' to='localhost' id='p'><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives
	<iq type='result' from='localhost' id='p'/>
juliet sends
	<iq type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives
	<iq type='result' id='q'/>
juliet sends
	<iq type='get' to='localhost' id='v'><query xmlns='jabber:iq:version'/></iq>
juliet receives
	<iq type='result' from='localhost' id='v'><query xmlns='jabber:iq:version'><name>Mercutio</name><version>*</version></query></iq>
juliet sends
	<iq type='get' to='localhost' id='t'><time xmlns='urn:xmpp:time'/></iq>
juliet receives
	<iq type='result' from='localhost' id='t'><time xmlns='urn:xmpp:time'><tzo>*</tzo><utc>*</utc></time></iq>
juliet sends
	<iq type='get' to='localhost' id='l'><query xmlns='jabber:iq:last'/></iq>
juliet receives
	<iq type='result' from='localhost' id='l'><query xmlns='jabber:iq:last' seconds='*'/></iq>

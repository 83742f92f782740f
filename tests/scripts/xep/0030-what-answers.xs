# XEP-0030 section 3.1: an entity names what it supports: an account does not name what only the domain
# answers (XEP-0092, XEP-0202), nor the domain what only an account does
client romeo romeo/orchard
romeo connects
romeo sends
	<iq type='get' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
romeo receives
	<iq type='result' id='1'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='account' type='registered'/><feature var='msgoffline'/><feature var='urn:xmpp:sid:0'/><feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/><feature var='urn:xmpp:ping'/><feature var='jabber:iq:last'/><feature var='vcard-temp'/><feature var='jabber:iq:private'/><feature var='urn:xmpp:blocking'/><feature var='http://jabber.org/protocol/commands'/></query></iq>
romeo sends
	<iq type='get' id='2' to='{romeo.bare}'><time xmlns='urn:xmpp:time'/></iq>
	<iq type='get' id='3' to='{romeo.bare}'><query xmlns='jabber:iq:version'/></iq>
	<iq type='get' id='4' to='{romeo.bare}'><ping xmlns='urn:xmpp:ping'/></iq>
romeo receives
	<iq type='error' from='{romeo.bare}' id='2'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	<iq type='error' from='{romeo.bare}' id='3'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
	<iq type='result' from='{romeo.bare}' id='4'/>

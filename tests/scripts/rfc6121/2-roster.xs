# RFC 6121 section 2: set, push to interested resources only, get, remove
client balcony juliet/balcony
client chamber juliet/chamber
client plain juliet/plain
balcony connects
chamber connects
plain connects
balcony sends
	<iq type='get' id='g1'><query xmlns='jabber:iq:roster'/></iq>
balcony receives
	<iq type='result' id='g1'><query xmlns='jabber:iq:roster' ver='*'/></iq>
chamber sends
	<iq type='get' id='g1'><query xmlns='jabber:iq:roster'/></iq>
chamber forgets
balcony sends
	<iq type='set' id='s1'><query xmlns='jabber:iq:roster'><item jid='nurse@example.com' name='Nurse' subscription='both' ask='subscribe'><group>Servants</group></item></query></iq>
balcony receives in any order
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='nurse@example.com' name='Nurse' subscription='none'><group>Servants</group></item></query></iq>
	<iq type='result' id='s1'/>
chamber receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='nurse@example.com' name='Nurse' subscription='none'><group>Servants</group></item></query></iq>
plain receives nothing
plain sends
	<iq type='get' id='g2'><query xmlns='jabber:iq:roster'/></iq>
plain receives
	<iq type='result' id='g2'><query xmlns='jabber:iq:roster' ver='*'><item jid='nurse@example.com' name='Nurse' subscription='none'><group>Servants</group></item></query></iq>
balcony sends
	<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='nurse@example.com' subscription='remove'/></query></iq>
plain receives
	<iq type='set' id='*'><query xmlns='jabber:iq:roster' ver='*'><item jid='nurse@example.com' subscription='remove'/></query></iq>
balcony forgets
balcony sends
	<iq type='set' id='y'><query xmlns='jabber:iq:roster'><item jid='nurse@example.com' subscription='remove'/></query></iq>
balcony receives
	<iq type='error' id='y'>{error:cancel:item-not-found}</iq>

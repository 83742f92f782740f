# XEP-0157 section 2: the addresses that the operator has named, in the server's disco#info, as a form by XEP-0128
# (the server of the scripts has contact_abuse, two addresses, and contact_support); kinds without an
# address are not there
client romeo romeo/orchard
romeo connects
romeo sends
	<iq type='get' to='{domain}' id='i'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
romeo receives
	<iq type='result' from='{domain}' id='i'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='Mercutio'/><any/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value></field><field var='abuse-addresses' type='list-multi'><value>mailto:abuse@localhost</value><value>xmpp:abuse@localhost</value></field><field var='support-addresses' type='list-multi'><value>https://localhost/help?a=b&amp;c=d</value></field></x></query></iq>

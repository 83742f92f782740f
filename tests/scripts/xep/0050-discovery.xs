# XEP-0050 sections 2.1, 2.2: support, the list, a command's node; at the domain and at one's own address
client admin admin@service.localhost/desk administrator
admin connects
admin sends
	<iq type='get' id='1' to='service.localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><query xmlns='http://jabber.org/protocol/disco#info'><any/><feature var='http://jabber.org/protocol/commands'/><any/></query></iq>
admin sends
	<iq type='get' id='2' to='service.localhost'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/commands'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='2'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/commands'><identity category='automation' type='command-list'/><feature var='http://jabber.org/protocol/commands'/></query></iq>
admin sends
	<iq type='get' id='3' to='service.localhost'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'><item jid='service.localhost' node='http://jabber.org/protocol/admin#add-user' name='Add User'/><any/><item jid='service.localhost' node='http://jabber.org/protocol/admin#shutdown' name='Shut Down Service'/><any/></query></iq>
admin sends
	<iq type='get' id='4' to='service.localhost'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/admin#add-user'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/admin#add-user'><identity category='automation' type='command-node' name='Add User'/><feature var='http://jabber.org/protocol/commands'/><feature var='jabber:x:data'/></query></iq>
admin sends
	<iq type='get' id='5' to='{admin.bare}'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/commands'/></iq>
admin receives
	<iq type='result' from='{admin.bare}' id='5'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/commands'><identity category='automation' type='command-list'/><feature var='http://jabber.org/protocol/commands'/></query></iq>
admin sends
	<iq type='get' id='6' to='{admin.bare}'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>
admin receives
	<iq type='result' from='{admin.bare}' id='6'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'><item jid='{admin.bare}' node='http://jabber.org/protocol/admin#add-user' name='Add User'/><any/><item jid='{admin.bare}' node='http://jabber.org/protocol/admin#shutdown' name='Shut Down Service'/><any/></query></iq>
admin sends
	<iq type='get' id='7' to='{admin.bare}'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/admin#add-user'/></iq>
admin receives
	<iq type='result' from='{admin.bare}' id='7'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/admin#add-user'><identity category='automation' type='command-node' name='Add User'/><feature var='http://jabber.org/protocol/commands'/><feature var='jabber:x:data'/></query></iq>

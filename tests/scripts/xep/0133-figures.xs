# XEP-0133 sections 4.13 to 4.22: figures and lists, of this domain alone
client admin admin@service.localhost/desk administrator
client romeo romeo@service.localhost/orchard
client juliet juliet/balcony
admin comes online
romeo connects
romeo sends
	<presence><show>away</show></presence>
romeo receives
	<presence from='{romeo}'><show>away</show></presence>
juliet comes online
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-registered-users-num'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-registered-users-num' sessionid='*' status='completed'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='registeredusersnum' type='text-single' label='*'><value>*</value></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-disabled-users-num'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-disabled-users-num' sessionid='*' status='completed'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='disabledusersnum' type='text-single' label='*'><value>*</value></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-num'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-num' sessionid='*' status='completed'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='onlineusersnum' type='text-single' label='*'><value>*</value></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-active-users-num'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-active-users-num' sessionid='*' status='completed'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='activeusersnum' type='text-single' label='*'><value>*</value></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-idle-users-num'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-idle-users-num' sessionid='*' status='completed'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='idleusersnum' type='text-single' label='*'><value>*</value></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-registered-users-list'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-registered-users-list' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='max_items' type='list-single' label='*'><option label='25'><value>25</value></option><option label='50'><value>50</value></option><option label='75'><value>75</value></option><option label='100'><value>100</value></option><option label='150'><value>150</value></option><option label='200'><value>200</value></option><option label='None'><value>none</value></option></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-registered-users-list' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='max_items'><value>none</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-registered-users-list' sessionid='{s}' status='completed'><any/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='registereduserjids' type='jid-multi' label='*'><any/></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='12'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-list'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='12'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-list' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='max_items' type='list-single' label='*'><option label='25'><value>25</value></option><option label='50'><value>50</value></option><option label='75'><value>75</value></option><option label='100'><value>100</value></option><option label='150'><value>150</value></option><option label='200'><value>200</value></option><option label='None'><value>none</value></option></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='13'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-list' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='max_items'><value>none</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='13'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-list' sessionid='{s}' status='completed'><any/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='onlineuserjids' type='jid-multi' label='*'><any/><value>{admin.bare}</value><any/><value>{romeo.bare}</value><any/></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='14'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-active-users'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='14'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-active-users' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='max_items' type='list-single' label='*'><option label='25'><value>25</value></option><option label='50'><value>50</value></option><option label='75'><value>75</value></option><option label='100'><value>100</value></option><option label='150'><value>150</value></option><option label='200'><value>200</value></option><option label='None'><value>none</value></option></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='15'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-active-users' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='max_items'><value>none</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='15'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-active-users' sessionid='{s}' status='completed'><any/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='activeuserjids' type='jid-multi' label='*'><any/><value>{admin.bare}</value><any/></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='16'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-idle-users'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='16'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-idle-users' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='max_items' type='list-single' label='*'><option label='25'><value>25</value></option><option label='50'><value>50</value></option><option label='75'><value>75</value></option><option label='100'><value>100</value></option><option label='150'><value>150</value></option><option label='200'><value>200</value></option><option label='None'><value>none</value></option></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='17'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-idle-users' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='max_items'><value>none</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='17'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-idle-users' sessionid='{s}' status='completed'><any/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='activeuserjids' type='jid-multi' label='*'><any/><value>{romeo.bare}</value><any/></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='18'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-disabled-users-list'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='18'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-disabled-users-list' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='max_items' type='list-single' label='*'><option label='25'><value>25</value></option><option label='50'><value>50</value></option><option label='75'><value>75</value></option><option label='100'><value>100</value></option><option label='150'><value>150</value></option><option label='200'><value>200</value></option><option label='None'><value>none</value></option></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='19'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-disabled-users-list' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='max_items'><value>none</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='19'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-disabled-users-list' sessionid='{s}' status='completed'><any/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='disableduserjids' type='jid-multi' label='*'><any/></field></x></command></iq>
# the number must be one of those on offer
admin sends
	<iq type='set' to='service.localhost' id='20'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-list'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='20'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-list' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='max_items' type='list-single' label='*'><option label='25'><value>25</value></option><option label='50'><value>50</value></option><option label='75'><value>75</value></option><option label='100'><value>100</value></option><option label='150'><value>150</value></option><option label='200'><value>200</value></option><option label='None'><value>none</value></option></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='21'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-list' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='max_items'><value>7</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='21'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>

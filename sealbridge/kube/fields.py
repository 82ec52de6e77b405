"""What each field of a spec means and may hold, for `kubectl explain` and the API server. Knows no kind."""

from __future__ import annotations

from sealbridge.kube.field_limits import ITEM_KEY, NAME, Fields
from sealbridge.kube.field_limits import told as _told
from sealbridge.kube.store_fields import STORES
from sealbridge.sync import generators, label_selector, push_secret, rewrite, spec, windows

_CONVERSION = "How characters that no key may have are written: _ (Default) or by their code (Unicode)."
_DECODING = "How values are decoded: not at all (None), Base64, Base64URL, or whichever fits (Auto)."
_NULL_BYTES = "Whether a value with a zero byte is taken (Ignore) or an error (Fail)."
_REVERSE = (
    "How keys are read: as they are (None), or with _U0025_ as the character it stands for (ReverseUnicode)."
)

_EXTERNAL_SECRET: Fields = {
    spec.ExternalSecretSpec: {
        "secretStoreRef": _told("The store that every entry is fetched from which names no other."),
        "refreshInterval": _told(
            "How often the stores are asked under refreshPolicy Periodic: a duration like 15m or 1h30m;"
            " with 0 they are asked once.",
        ),
        "refreshPolicy": _told(
            "When the stores are asked again: by time and on edits (Periodic), on edits only (OnChange),"
            " or never (CreatedOnce). Without it, Periodic."
        ),
        "target": _told("The Secret that is made."),
        "data": _told("Items of the target one by one. They win over what dataFrom gives."),
        "dataFrom": _told("Many items at once. Of entries that give the same key the later one wins."),
        "syncWindows": _told("When time alone may make a refresh due. Edits are live at any time."),
    },
    spec.StoreRef: {
        "name": _told("The name of the store.", NAME),
        "kind": _told("SecretStore (of the same namespace, the default) or ClusterSecretStore."),
    },
    spec.RemoteRef: {
        "key": _told("The name or path of the secret in the store."),
        "version": _told("The version, where the store has versions; the newest without it."),
        "property": _told("One field of a value that is JSON; all of the value without it."),
        "metadataPolicy": _told("Whether the value (None) or the secret's tags and labels (Fetch) are read."),
        "conversionStrategy": _told(_CONVERSION),
        "decodingStrategy": _told(_DECODING),
        "nullBytePolicy": _told(_NULL_BYTES),
    },
    spec.GeneratorRef: {
        "apiVersion": _told("generators.external-secrets.io/v1alpha1, also when it is left out."),
        "kind": _told("The kind of the generator: Password, UUID, Fake or ClusterGenerator."),
        "name": _told("The name of the generator.", NAME),
    },
    spec.FindName: {"regexp": _told("A regular expression (RE2) that matches anywhere in the name.")},
    spec.Find: {
        "name": _told("Secrets by their names."),
        "path": _told("Only secrets below this path, where the store has paths."),
        "tags": _told("Only secrets with all of these tags or labels."),
        "conversionStrategy": _told(_CONVERSION),
        "decodingStrategy": _told(_DECODING),
        "nullBytePolicy": _told(_NULL_BYTES),
    },
    spec.SourceRef: {
        "storeRef": _told("Another store for this entry."),
        "generatorRef": _told("A generator that makes the items. In dataFrom only."),
    },
    spec.Data: {
        "secretKey": _told("The key of the item in the Secret.", ITEM_KEY),
        "remoteRef": _told("Which value of the store."),
        "sourceRef": _told("Another store for this entry."),
    },
    spec.DataFrom: {
        "extract": _told("One secret that is a JSON object: each of its fields becomes an item."),
        "find": _told("Every secret that is found: each becomes an item."),
        "rewrite": _told("How keys become others, one operation after the other."),
        "sourceRef": _told("Another store for this entry, or a generator in place of extract and find."),
    },
    spec.TemplateMetadata: {
        "labels": _told("Labels of the target; their values are templates."),
        "annotations": _told("Annotations of the target; their values are templates."),
        "finalizers": _told("Finalizers that the target is created with."),
    },
    spec.TemplateItem: {
        "key": _told("The key of the template in the ConfigMap or Secret.", ITEM_KEY),
        "templateAs": _told(
            "Whether it is the template of one value, under its own key (Values, the default), or of a"
            " YAML map (KeysAndValues)."
        ),
    },
    spec.TemplateRef: {
        "name": _told("The name of the ConfigMap or Secret, of the same namespace.", NAME),
        "items": _told("Which of its keys are templates."),
    },
    spec.TemplateFrom: {
        "configMap": _told("Templates of a ConfigMap."),
        "secret": _told("Templates of a Secret."),
        "literal": _told("A template that stands right here, of a YAML map of keys and values."),
        "target": _told("What the templates make: Data (the default), Annotations or Labels."),
    },
    spec.TargetTemplate: {
        "type": _told("The type of the Secret, Opaque without it."),
        "engineVersion": _told("The version of the template engine; there is one, v2."),
        "mergePolicy": _told(
            "Whether what templates make takes the place of what the stores gave (Replace) or joins it"
            " (Merge)."
        ),
        "metadata": _told("Labels, annotations and finalizers of the target."),
        "data": _told("Items of the target as Go templates over what the stores gave."),
        "templateFrom": _told("Templates that stand elsewhere. Those of data win over them."),
        "valuesDecodingStrategy": _told(f"For what the templates make. {_DECODING}"),
    },
    spec.Target: {
        "name": _told("The name of the Secret, that of the ExternalSecret without it.", NAME),
        "creationPolicy": _told(
            "Owner makes the Secret and has it go with the ExternalSecret; Orphan makes it and leaves it"
            " behind; Merge adds to a Secret that is there; CreateOrMerge makes it where there is none; None"
            " writes nothing."
        ),
        "deletionPolicy": _told(
            "What becomes of the Secret when the store has none of the values any more: Retain leaves it as"
            " it is, Delete deletes it, Merge takes out the keys that are gone."
        ),
        "immutable": _told("Whether the Secret is made immutable."),
        "template": _told("How the Secret is made from what the stores gave."),
        "manifest": _told("Another kind of object to make instead of a Secret. Not supported yet: refused."),
    },
    rewrite.Regexp: {
        "source": _told("A regular expression (RE2). Every match in the key is replaced."),
        "target": _told("What the matches become; $1 and ${name} are groups."),
    },
    rewrite.Transform: {"template": _told("A Go template that makes the new key of `.value`, the old one.")},
    rewrite.Merge: {
        "into": _told("The key of the JSON object. Needed with strategy JSON."),
        "priority": _told("Keys whose objects are merged last, so that they win, in this order."),
        "priorityPolicy": _told(
            "Whether each key of priority must be there (Strict, the default) or not (IgnoreNotFound)."
        ),
        "conflictPolicy": _told(
            "Whether a field in two of the objects is an error (Error, the default) or not (Ignore)."
        ),
        "strategy": _told(
            "Whether the merged fields take the place of all items (Extract, the default) or become one more"
            " item (JSON)."
        ),
    },
    rewrite.Rewrite: {
        "regexp": _told("Replaces what a regular expression matches."),
        "transform": _told("Makes keys with a template."),
        "merge": _told("Makes one object of all values, which are JSON objects."),
    },
    windows.Window: {
        "schedule": _told("When the window opens: five fields as in cron, in UTC."),
        "duration": _told("How long it is open, like 2h."),
    },
    windows.SyncWindows: {
        "kind": _told("Whether time makes refreshes due within the windows only (allow), or outside (deny)."),
        "windows": _told("The windows; any of them counts."),
    },
}

_SELECTORS: Fields = {
    label_selector.LabelSelector: {
        "matchLabels": _told("Labels that it must have, all of them."),
        "matchExpressions": _told("Requirements on labels, all of which must hold."),
    },
    label_selector.Requirement: {
        "key": _told("The key of the label."),
        "operator": _told("In, NotIn, Exists or DoesNotExist."),
        "values": _told("The values, for In and NotIn."),
    },
}

_PUSH_SECRET: Fields = {
    push_secret.PushSecretSpec: {
        "secretStoreRefs": _told("The stores that everything is pushed to."),
        "selector": _told("Where the values come from: Secrets of this namespace, or a generator."),
        "refreshInterval": _told(
            "How often the stores are looked at without a reason, like 1h; 0 once. A change of the source is"
            " pushed at once."
        ),
        "updatePolicy": _told("Whether what is there is replaced (Replace) or left alone (IfNotExists)."),
        "deletionPolicy": _told(
            "Whether what was pushed is deleted in the stores (Delete) or stays there (None) when it is"
            " not listed any more, or its source or the PushSecret is gone."
        ),
        "data": _told("Values to push one by one. They win over what dataTo pushes to the same place."),
        "dataTo": _told("Many values at once."),
        "template": _told("Makes what is pushed of what the source holds, whose keys stay."),
    },
    push_secret.PushStoreRef: {
        "name": _told("The name of the store.", NAME),
        "labelSelector": _told("All stores that have the labels, instead of a name."),
        "kind": _told("SecretStore (of the same namespace, the default) or ClusterSecretStore."),
    },
    push_secret.SourceSecret: {
        "name": _told("The name of the Secret.", NAME),
        "selector": _told("All Secrets that have the labels, instead of a name."),
    },
    push_secret.Selector: {
        "secret": _told("Secrets of the same namespace."),
        "generatorRef": _told("A generator, asked when there is something to push."),
    },
    push_secret.PushRemoteRef: {
        "remoteKey": _told("The name or path of the secret in the store."),
        "property": _told("The field of the remote secret, where the store has fields."),
    },
    push_secret.Match: {
        "secretKey": _told("The key of the source; the whole source as one JSON object without it."),
        "remoteRef": _told("Where it goes."),
    },
    push_secret.PushData: {
        "match": _told("What goes where."),
        "metadata": _told("A PushSecretMetadata with what the provider can be told besides."),
        "conversionStrategy": _told(_REVERSE),
    },
    push_secret.KeyMatch: {"regexp": _told("A regular expression (RE2) that matches anywhere in the key.")},
    push_secret.KeyRewrite: {
        "regexp": _told("Replaces what a regular expression matches."),
        "transform": _told("Makes keys with a template."),
    },
    push_secret.DataTo: {
        "storeRef": _told("One of the stores of secretStoreRefs."),
        "remoteKey": _told(
            "One remote secret for all values, as a JSON object; without it each has its own."
        ),
        "match": _told("Which keys of the source; all of them without it."),
        "rewrite": _told("Changes of the keys, one after the other."),
        "metadata": _told("A PushSecretMetadata with what the provider can be told besides."),
        "conversionStrategy": _told(_REVERSE),
    },
}

_GENERATORS: Fields = {
    generators.PasswordSpec: {
        "length": _told("How many characters."),
        "digits": _told("How many of them are digits; a quarter without it."),
        "symbols": _told("How many of them are symbols; a quarter without it."),
        "symbolCharacters": _told("The symbols to choose from."),
        "noUpper": _told("Whether capital letters are left out."),
        "allowRepeat": _told("Whether a character may come twice."),
        "encoding": _told("How the password is written."),
        "secretKeys": _told("The keys that get a password each; one, password, without it."),
    },
    generators.FakeSpec: {
        "controller": _told("The class of the controller that is to take it; empty means all."),
        "data": _told("The items."),
    },
    generators.GeneratorSpec: {
        "passwordSpec": _told("The spec of a Password."),
        "uuidSpec": _told("The spec of a UUID."),
        "fakeSpec": _told("The spec of a Fake."),
    },
    generators.ClusterGeneratorSpec: {
        "kind": _told("Which kind of generator it is: Password, UUID or Fake."),
        "generator": _told("The spec of that kind."),
    },
}

FIELDS: Fields = {**_EXTERNAL_SECRET, **_SELECTORS, **_PUSH_SECRET, **STORES, **_GENERATORS}

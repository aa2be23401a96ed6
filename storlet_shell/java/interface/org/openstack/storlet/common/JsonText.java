package org.openstack.storlet.common;

import java.util.Map;

/** Writes metadata as JSON, without lambdas and formats, which a JVM takes tens of milliseconds to load. */
final class JsonText {
    private static final int DIGITS = 4;
    private static final int RADIX = 16;

    private JsonText() {}

    /** Return a map as a JSON object, without the entries whose value is null. */
    static String of(Map<String, String> map) {
        StringBuilder json = new StringBuilder("{");
        for (Map.Entry<String, String> entry : map.entrySet()) {
            if (entry.getValue() != null) {
                json.append(json.length() == 1 ? "" : ",");
                quote(String.valueOf(entry.getKey()), json);
                json.append(':');
                quote(entry.getValue(), json);
            }
        }
        return json.append('}').toString();
    }

    private static void quote(String text, StringBuilder json) {
        json.append('"');
        for (char unit : text.toCharArray()) {
            if (unit == '"' || unit == '\\') {
                json.append('\\').append(unit);
            } else if (Character.isISOControl(unit) || Character.isSurrogate(unit)) {
                String digits = Integer.toString(unit, RADIX);
                json.append("\\u").append("0".repeat(DIGITS - digits.length())).append(digits);
            } else {
                json.append(unit);
            }
        }
        json.append('"');
    }
}

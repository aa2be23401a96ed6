package org.example;

/** A storlet that gives an object back as it is. */
public class Identity extends Copying {
    private static final long SIZE = 65536L;

    @Override
    protected int size() {
        return (int) SIZE;
    }

    /** Says which jar this is, to whoever runs it as a program. */
    public static void main(String[] words) {
        System.out.println("identity");
    }
}

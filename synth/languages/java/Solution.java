import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A program that touches what most programs touch: the classes that the virtual machine loads for it go into the archive of jvm.py. */
final class Solution {
    static Map<String, List<Object>> solve(List<Long> xs, double y, String text, long[] array, Map<String, Long> map) {
        Map<Long, Integer> counted = new HashMap<>();
        for (long x : xs) counted.merge(x, 1, Integer::sum);
        List<Long> sorted = new ArrayList<>(new HashSet<>(xs));
        sorted.sort((a, b) -> Long.compare(b, a));
        Collections.reverse(sorted);
        Arrays.sort(array);
        TreeMap<Long, Integer> ordered = new TreeMap<>(counted);
        ArrayDeque<Long> queue = new ArrayDeque<>(ordered.keySet());
        PriorityQueue<int[]> heap = new PriorityQueue<>((a, b) -> a[0] - b[0]);
        heap.add(new int[] {1, 2});
        LinkedList<Long> linked = new LinkedList<>(queue);
        StringBuilder out = new StringBuilder(text).append(y).append(linked.size()).reverse();
        String joined = sorted.stream().filter(x -> x > 1).map(String::valueOf).collect(Collectors.joining(", "));
        long total = xs.stream().mapToLong(Long::longValue).sum() + Arrays.stream(array).max().orElse(0) + new Scanner("7 8").nextLong();
        String said = String.format("%d %.2f %s", total, Math.sqrt(y), String.join("-", text.toUpperCase().split(" ")));
        try { throw new IllegalArgumentException(said); } catch (IllegalArgumentException error) { joined = joined.concat(error.getMessage()); }
        return Map.of("k", List.of(joined, out.toString(), total, y, true, heap.poll()[0] + Integer.parseInt("1"), Math.floorMod(-7, 3)));
    }
}

import java.util.Scanner

/** What Solution.java is, for Kotlin: the classes of its library that most programs touch. */
data class Point(val x: Int, val y: Int)

fun solve(xs: List<Long>, y: Double, text: String, array: LongArray, map: Map<String, Long>): Map<String, List<Any?>> {
    val counted = mutableMapOf<Long, Int>()
    for (x in xs) counted[x] = counted.getOrDefault(x, 0) + 1
    val sorted = xs.toSet().filter { it > 0 }.map { it * 2 }.sortedByDescending { it }.toMutableList()
    sorted.addAll(array.sorted().reversed())
    val groups = text.split(" ").groupBy { it.length }.mapValues { it.value.size }.toSortedMap()
    val (a, b) = Point(1, 2).copy(y = 3).let { it.x to it.y }
    val queue = ArrayDeque(listOf(1, 2))
    val grid = Array(2) { IntArray(2) { 1 } }
    for (i in 0 until 2) for (j in 3 downTo 0 step 2) grid[i][j / 2] += i
    val total = xs.sum() + (array.max() ?: 0) + Scanner("7 8").nextLong() + (sorted.maxBy { -it } ?: 0)
    val said = buildString { append(text.toUpperCase().trim()).append("%.2f".format(Math.sqrt(y))).append(text.reversed()) }
    val caught = try { "x".toInt() } catch (error: NumberFormatException) { "1".toIntOrNull() }
    return mapOf("k" to listOf(said, total, groups.size, a, b, queue.pop(), grid.sumBy { it.sum() }, caught, xs.joinToString(","), xs.zip(xs).any { it.first > 1 }))
}

private fun <T> ArrayDeque(items: List<T>) = java.util.ArrayDeque(items)

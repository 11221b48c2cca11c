namespace Dolmen.Templates;

/// <summary>Filters that order, group and cut lists. Capitals count only where the template says so, as in Jinja.</summary>
internal static class GroupFilters
{
    public static object Sort(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("sort", "reverse", "case_sensitive", "attribute");
        AttributePath[] paths = given[2] switch
        {
            null or None => [],
            Text several => [.. several.Value.Split(',').Select(one => new AttributePath(new Text(one)))],
            { } one => [new AttributePath(one)],
        };
        var sensitive = Arguments.Flag(given[1]);
        var items = Python.ListOf(input, rendering);
        object Key(object item) => paths.Length == 0 ? Fold(item, sensitive)
            : new Sequence([.. paths.Select(path => Fold(path.Of(item), sensitive))]);
        return new Sequence(Ordering.By(items, Key, Arguments.Flag(given[0]), rendering.Budget));
    }

    public static object DictSort(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("dictsort", "case_sensitive", "by", "reverse");
        if (input is not Dict dict) throw new TemplateException($"dictsort needs a dictionary, not {Python.Named(input)}");
        var at = Arguments.Text(given[1], "dictsort", "by", "key").Value switch
        {
            "key" => 0,
            "value" => 1,
            var by => throw new TemplateException($"dictsort orders by 'key' or 'value', not by '{by}'"),
        };
        return new Sequence(Ordering.By(Members.Pairs(dict), pair => Fold(((Sequence)pair).Items[at], Arguments.Flag(given[0])),
            Arguments.Flag(given[2]), rendering.Budget));
    }

    public static object GroupBy(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("groupby", "attribute", "default", "case_sensitive");
        var path = new AttributePath(Arguments.Needed(given[0], "groupby", "attribute"), given[1]);
        object Key(object item) => Fold(path.Of(item), Arguments.Flag(given[2]));
        var groups = new List<object>();
        List<object>? group = null;
        object? last = null;
        foreach (var item in Ordering.By(Python.ListOf(input, rendering), Key, false, rendering.Budget))
        {
            var key = Key(item);
            if (group is null || !Comparing.AreEqual(key, last!, rendering.Budget))
            {
                group = [];
                groups.Add(Sequence.Tuple(path.Of(item), new Sequence(group)));
            }
            group.Add(item);
            last = key;
        }
        return new Sequence(groups);
    }

    public static object Unique(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("unique", "case_sensitive", "attribute");
        var path = given[1] is { } attribute and not None ? new AttributePath(attribute) : null;
        return new Generator(Once());

        IEnumerable<object> Once()
        {
            var seen = new Dict();
            foreach (var item in Python.Items(input))
            {
                rendering.Budget.Step();
                var key = Fold(path?.Of(item) ?? item, Arguments.Flag(given[0]));
                if (seen.TryGet(key, out _)) continue;
                seen.Set(key, None.Value);
                yield return item;
            }
        }
    }

    public static object Min(object input, Arguments arguments, Rendering rendering) => Extreme(input, arguments, rendering, "min", -1);

    public static object Max(object input, Arguments arguments, Rendering rendering) => Extreme(input, arguments, rendering, "max", 1);

    public static object Batch(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("batch", "linecount", "fill_with");
        var size = Arguments.Int32(Arguments.Needed(given[0], "batch", "linecount"), "batch", "linecount", 1);
        if (size < 1) throw new TemplateException($"batch needs groups of at least 1 item, not {size}");
        var batches = new List<object>();
        foreach (var chunk in Python.ListOf(input, rendering).Chunk(size)) batches.Add(new Sequence(chunk));
        if (given[1] is { } fill and not None && batches.Count > 0 && ((Sequence)batches[^1]).Items is var last && last.Count < size)
        {
            rendering.Budget.Step(size);
            batches[^1] = new Sequence([.. last, .. Enumerable.Repeat(fill, size - last.Count)]);
        }
        return new Generator(batches);
    }

    public static object Slice(object input, Arguments arguments, Rendering rendering)
    {
        var given = arguments.Bind("slice", "slices", "fill_with");
        var count = Arguments.Int32(Arguments.Needed(given[0], "slice", "slices"), "slice", "slices", 1);
        if (count < 1) throw new TemplateException($"slice needs at least 1 slice, not {count}");
        rendering.Budget.Step(count);
        var items = Python.ListOf(input, rendering);
        var (size, longer) = (items.Count / count, items.Count % count);
        var slices = new List<object>();
        for (int i = 0, at = 0; i < count; i++)
        {
            var length = size + (i < longer ? 1 : 0);
            var slice = items.GetRange(at, length);
            at += length;
            if (given[1] is { } fill and not None && i >= longer) slice.Add(fill);
            slices.Add(new Sequence(slice));
        }
        return new Generator(slices);
    }

    private static object Extreme(object input, Arguments arguments, Rendering rendering, string filter, int sign)
    {
        var given = arguments.Bind(filter, "case_sensitive", "attribute");
        var path = given[1] is { } attribute and not None ? new AttributePath(attribute) : null;
        object? best = null, bestKey = null;
        foreach (var item in Python.Items(input))
        {
            var key = Fold(path?.Of(item) ?? item, Arguments.Flag(given[0]));
            if (best is null || Comparing.Order(key, bestKey!, rendering.Budget) * sign > 0) (best, bestKey) = (item, key);
        }
        return best ?? new Undefined($"the {filter} of no items is asked for");
    }

    private static object Fold(object value, bool sensitive) => !sensitive && value is Text text ? TextMethods.Lower(text) : value;
}

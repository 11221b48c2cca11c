namespace Dolmen.Templates;

/// <summary>Sorts by Python's order. Equal items stay in their order, from the other end too.</summary>
internal static class Ordering
{
    /// <exception cref="TemplateException">Two of the keys have no order.</exception>
    public static List<T> By<T>(IEnumerable<T> items, Func<T, object> key, bool reverse, Budget budget)
    {
        var order = Comparer<object>.Create((a, b) => Comparing.Order(a, b, budget));
        try
        {
            return [.. reverse ? items.OrderByDescending(key, order) : items.OrderBy(key, order)];
        }
        catch (InvalidOperationException error) when (error.InnerException is TemplateException inner)
        {
            throw new TemplateException(inner.Message, inner.Line);
        }
    }
}

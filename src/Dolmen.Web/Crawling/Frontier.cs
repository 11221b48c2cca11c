using System.Collections.Concurrent;

namespace Dolmen.Web.Crawling;

/// <summary>An address to visit. <paramref name="Hops"/> counts the redirects that led here.</summary>
internal sealed record CrawlEntry(WebAddress Address, int Depth, int Hops, string? Via)
{
    public int Attempt { get; init; }
}

/// <summary>What is known of a host and waits for it.</summary>
internal sealed class HostQueue(string name, TimeSpan delay)
{
    public string Name => name;

    public PriorityQueue<CrawlEntry, (int Depth, long Order)> Ready { get; } = new();

    /// <summary>Failed and to be tried again at a time.</summary>
    public PriorityQueue<CrawlEntry, TimeSpan> Later { get; } = new();

    public ConcurrentDictionary<string, (RobotsRules Rules, bool Reached, TimeSpan At)> Robots { get; } = new(StringComparer.Ordinal);

    public ConcurrentStack<Fetcher> Fetchers { get; } = new();

    public TimeSpan NextAllowed { get; set; }

    public TimeSpan Delay { get; set; } = delay;

    public int Active { get; set; }

    /// <summary>Its robots.txt is being fetched: everything else waits.</summary>
    public bool Preparing { get; set; }

    public int FailuresInARow { get; set; }

    public bool GivenUp { get; set; }
}

/// <summary>Addresses to visit, by host: near ones before far ones, those found first before later ones; never more at a time and never
/// sooner than a host may be asked.</summary>
/// <param name="budget">Whether another page may be begun beside so many under way; null once none ever may.</param>
internal sealed class Frontier(int perHost, Func<string, TimeSpan> delayOf, Func<int, bool?> budget, TimeProvider time)
{
    private const int MaxKnown = 5_000_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, HostQueue> _byName = new(StringComparer.Ordinal);
    private readonly List<HostQueue> _hosts = [];
    private readonly HashSet<UInt128> _known = [];
    private readonly long _started = time.GetTimestamp();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _order;
    private int _queued, _active, _turn;

    public TimeSpan Now => time.GetElapsedTime(_started);

    public int Waiting => Volatile.Read(ref _queued);

    /// <summary>Addresses left unvisited because their host cannot be reached.</summary>
    public int Deferred { get; private set; }

    public bool WasFull { get; private set; }

    /// <summary>Marks an address as known.</summary>
    /// <returns>Whether it was not.</returns>
    public bool Reserve(string address)
    {
        lock (_gate)
        {
            if (_known.Count < MaxKnown) return _known.Add(WebAddress.KeyOf(address));
            WasFull = true;
            return false;
        }
    }

    public void Add(IEnumerable<CrawlEntry> entries)
    {
        lock (_gate)
        {
            foreach (var entry in entries)
            {
                var host = HostOf(entry.Address);
                if (host.GivenUp)
                {
                    Deferred++;
                    continue;
                }
                host.Ready.Enqueue(entry, (entry.Depth, _order++));
                _queued++;
            }
            Changed();
        }
    }

    /// <returns>The next address and its host; nothing when all is done or a limit is reached.</returns>
    public async Task<(CrawlEntry Entry, HostQueue Host)?> TakeAsync(CancellationToken stop)
    {
        while (true)
        {
            Task changed;
            TimeSpan? wait = null;
            lock (_gate)
            {
                stop.ThrowIfCancellationRequested();
                changed = _changed.Task;
                var more = budget(_active);
                if (more is null || (_queued == 0 && _active == 0))
                {
                    Changed();
                    return null;
                }
                if (more.Value && Ready(out wait) is { } taken) return taken;
            }
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var pause = Task.Delay(wait ?? Timeout.InfiniteTimeSpan, time, enough.Token);
            await Task.WhenAny(changed, pause);
            await enough.CancelAsync();
        }
    }

    /// <summary>The visit is over, whatever came of it.</summary>
    /// <param name="asked">Whether the host was asked for anything.</param>
    /// <param name="again">The same address, to be visited again after <paramref name="pause"/>.</param>
    /// <param name="hostPause">How long the host is to be left alone altogether.</param>
    public void Release(HostQueue host, bool asked, CrawlEntry? again = null, TimeSpan pause = default, TimeSpan hostPause = default)
    {
        lock (_gate)
        {
            host.Active--;
            _active--;
            var quiet = Now + (hostPause > host.Delay ? hostPause : host.Delay);
            if (!asked && host.Active == 0) host.NextAllowed = Now;       // it was due when it was taken
            else if (quiet > host.NextAllowed) host.NextAllowed = quiet;
            if (again is not null)
            {
                host.Later.Enqueue(again, Now + pause);
                _queued++;
            }
            Changed();
        }
    }

    /// <summary>Leaves everything that waits for a host to a later run.</summary>
    public int GiveUp(HostQueue host)
    {
        lock (_gate)
        {
            host.GivenUp = true;
            var many = host.Ready.Count + host.Later.Count;
            host.Ready.Clear();
            host.Later.Clear();
            _queued -= many;
            Deferred += many;
            Changed();
            return many;
        }
    }

    /// <summary>Leaves an address that was taken to a later run.</summary>
    public void Defer()
    {
        lock (_gate) Deferred++;
    }

    /// <returns>Whether the caller is the one who asks the host for its rules; no addresses are handed out until
    /// <see cref="Prepared"/>.</returns>
    public bool TryPrepare(HostQueue host)
    {
        lock (_gate) return !host.Preparing && (host.Preparing = true);
    }

    public void Prepared(HostQueue host)
    {
        lock (_gate)
        {
            host.Preparing = false;
            Changed();
        }
    }

    public IEnumerable<HostQueue> Hosts => _hosts;

    private (CrawlEntry, HostQueue)? Ready(out TimeSpan? wait)
    {
        wait = null;
        var now = Now;
        for (var i = 0; i < _hosts.Count; i++)
        {
            var host = _hosts[(_turn + i) % _hosts.Count];
            while (host.Later.TryPeek(out var later, out var at) && at <= now)
            {
                host.Later.Dequeue();
                host.Ready.Enqueue(later, (later.Depth, -1));            // it has waited long enough
            }
            if (host.Preparing || host.Active >= perHost) continue;
            if (host.Ready.Count == 0)
            {
                if (host.Later.TryPeek(out _, out var due)) Soonest(ref wait, due - now);
                continue;
            }
            if (host.NextAllowed > now)
            {
                Soonest(ref wait, host.NextAllowed - now);
                continue;
            }
            _turn = (_turn + i + 1) % _hosts.Count;
            host.Active++;
            host.NextAllowed = now + host.Delay;
            _active++;
            _queued--;
            return (host.Ready.Dequeue(), host);
        }
        return null;
    }

    private static void Soonest(ref TimeSpan? wait, TimeSpan candidate)
    {
        if (candidate < TimeSpan.FromMilliseconds(1)) candidate = TimeSpan.FromMilliseconds(1);
        if (wait is null || candidate < wait) wait = candidate;
    }

    private HostQueue HostOf(WebAddress address)
    {
        if (_byName.TryGetValue(address.Host, out var host)) return host;
        host = new HostQueue(address.Host, delayOf(address.Host));
        _byName[address.Host] = host;
        _hosts.Add(host);
        return host;
    }

    private void Changed()
    {
        _changed.TrySetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

using Mesh.Actors.Persistence;

namespace Mesh.Actors.Tests.Persistence;

/// <summary>An event: an amount was added.</summary>
internal sealed record Added(int Amount);

/// <summary>A snapshot: all that was added.</summary>
internal sealed record LedgerState(int[] Amounts);

/// <summary>A command: add this, then say so.</summary>
internal sealed record Add(int Amount);

/// <summary>A command: add all of these or none, then say so.</summary>
internal sealed record AddAll(params int[] Amounts);

/// <summary>The answer: it is durable.</summary>
internal sealed record Acknowledged(int Amount);

/// <summary>A persistent actor for tests. A message that is an <c>Action&lt;Ledger&gt;</c> is run inside it.</summary>
internal sealed class Ledger(string id, LedgerScript script) : PersistentActor
{
    public static readonly object Query = "amounts?";

    private readonly List<int> _amounts = [];

    public override string PersistenceId => id;

    public IReadOnlyList<int> Amounts => _amounts;

    public IActorContext Surroundings => Context;

    public ActorRef Me => Self;

    public ActorRef From => Sender;

    public static EventSchema Schema => new EventSchema().Add<Added>("ledger.added").Add<LedgerState>("ledger.state");

    public static Props Props(string id = "ledger", LedgerScript? script = null) => Actors.Props.Create(() => new Ledger(id, script ?? new LedgerScript()));

    public void Store(int amount, Action<Added>? callback = null) => Persist(new Added(amount), added =>
    {
        _amounts.Add(added.Amount);
        callback?.Invoke(added);
    });

    public void StoreAll(params object[] events) => PersistAll(events, e => _amounts.Add(((Added)e).Amount));

    public void TakeSnapshot() => SaveSnapshot(new LedgerState([.. _amounts]));

    public void PutAside() => Stash();

    public void TakeOut() => UnstashAll();

    protected internal override void PreStart() => script.PreStart?.Invoke(this);

    protected internal override void PostStop() => script.PostStop?.Invoke(this);

    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case Action<Ledger> run:
                run(this);
                break;
            case Add add:
                Store(add.Amount, added => Sender.Tell(new Acknowledged(added.Amount)));
                break;
            case AddAll all:
                int left = all.Amounts.Length;
                PersistAll(all.Amounts.Select(a => new Added(a)), e =>
                {
                    _amounts.Add(((Added)e).Amount);
                    if (--left == 0)
                        Sender.Tell(new Acknowledged(((Added)e).Amount));
                });
                break;
            case not null when message == Query:
                Sender.Tell(_amounts.ToArray());
                break;
            default:
                script.Receive?.Invoke(this, message!);
                break;
        }
    }

    protected override void ReceiveRecover(object message)
    {
        script.Recover?.Invoke(this, message);
        switch (message)
        {
            case SnapshotOffer { State: LedgerState state }:
                _amounts.AddRange(state.Amounts);
                break;
            case Added added:
                _amounts.Add(added.Amount);
                break;
            default:
                break;
        }
    }

    protected override void OnPersistFailure(JournalException reason) => script.PersistFailure?.Invoke(this, reason);
}

/// <summary>What a <see cref="Ledger"/> does besides.</summary>
internal sealed record LedgerScript
{
    public Action<Ledger>? PreStart { get; init; }

    public Action<Ledger>? PostStop { get; init; }

    public Action<Ledger, object>? Receive { get; init; }

    public Action<Ledger, object>? Recover { get; init; }

    public Action<Ledger, JournalException>? PersistFailure { get; init; }
}

# ruff: noqa: E501
"""A solution of each item of `speech-to-code`: proof that its hidden tests can be passed."""

SOLUTIONS = {
    "add-item": """
def solve(items, name):
    top = max((i['id'] for i in items), default=0)
    return [*items, {'id': top + 1, 'name': name}]
""",
    "delete-item": """
def solve(items, id):
    return [i for i in items if i['id'] != id]
""",
    "update-item": """
def solve(items, id, changes):
    return [{**i, **changes} if i['id'] == id else i for i in items]
""",
    "find-by-name": """
def solve(items, text):
    return [i for i in items if text.lower() in i['name'].lower()]
""",
    "get-or-default": """
def solve(d, key, default):
    return d.get(key, default)
""",
    "count-by-status": """
def solve(tasks):
    out = {}
    for t in tasks:
        out[t['status']] = out.get(t['status'], 0) + 1
    return out
""",
    "total-price": """
def solve(lines):
    return sum(l['price'] * l['quantity'] for l in lines)
""",
    "sort-by-price": """
def solve(products):
    return [p['name'] for p in sorted(products, key=lambda p: (p['price'], p['name']))]
""",
    "page": """
def solve(items, page, size):
    return items[(page - 1) * size : page * size]
""",
    "mark-done": """
def solve(tasks, title):
    return [{**t, 'done': True} if t['title'] == title else t for t in tasks]
""",
    "unique-emails": """
def solve(emails):
    return list(dict.fromkeys(e.lower() for e in emails))
""",
    "group-by-city": """
def solve(people):
    out = {}
    for p in people:
        out.setdefault(p['city'], []).append(p['name'])
    return out
""",
    "merge-settings": """
def solve(defaults, settings):
    return {**defaults, **{k: v for k, v in settings.items() if v is not None}}
""",
    "low-stock": """
def solve(stock, limit):
    return sorted(n for n, c in stock.items() if c < limit)
""",
    "rename-key": """
def solve(d, old, new):
    return {(new if k == old else k): v for k, v in d.items()}
""",
    "sum-even": """
def solve(n):
    return sum(x for x in n if x % 2 == 0)
""",
    "reverse-words": """
def solve(s):
    return ' '.join(reversed(s.split()))
""",
    "palindrome": """
def solve(s):
    t = [c.lower() for c in s if c.isalnum()]
    return t == t[::-1]
""",
    "vowels": """
def solve(s):
    return sum(c in 'aeiou' for c in s.lower())
""",
    "second-largest": """
def solve(n):
    u = sorted(set(n))
    return u[-2] if len(u) > 1 else None
""",
    "fizzbuzz": """
def solve(n):
    return ['FizzBuzz' if i % 15 == 0 else 'Fizz' if i % 3 == 0 else 'Buzz' if i % 5 == 0 else str(i) for i in range(1, n + 1)]
""",
    "celsius": """
def solve(f):
    return round((f - 32) * 5 / 9, 1)
""",
    "factorial": """
def solve(n):
    r = 1
    for i in range(2, n + 1):
        r *= i
    return r
""",
    "digit-sum": """
def solve(n):
    return sum(map(int, str(abs(n))))
""",
    "longest-word": """
def solve(s):
    return max(s.split(), key=len, default='')
""",
    "is-prime": """
def solve(n):
    return n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1))
""",
    "average": """
def solve(n):
    return sum(n) / len(n) if n else None
""",
    "remove-duplicates": """
def solve(x):
    return list(dict.fromkeys(x))
""",
    "title-case": """
def solve(s):
    return ' '.join(w[:1].upper() + w[1:].lower() for w in s.split(' '))
""",
    "count-words": """
def solve(s):
    out = {}
    for w in s.lower().split():
        out[w] = out.get(w, 0) + 1
    return out
""",
    "running-total": """
def solve(n):
    out, t = [], 0
    for x in n:
        t += x
        out.append(t)
    return out
""",
    "flatten": """
def solve(x):
    return [i for p in x for i in p]
""",
    "common": """
def solve(x, y):
    return sorted(set(x) & set(y))
""",
    "leap-year": """
def solve(y):
    return y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)
""",
    "initials": """
def solve(s):
    return ''.join(w[0].upper() for w in s.split())
""",
    "min-and-max": """
def solve(n):
    return [min(n), max(n)]
""",
    "swap-case": """
def solve(s):
    return s.swapcase()
""",
    "every-third": """
def solve(x):
    return x[2::3]
""",
    "seconds-to-time": """
def solve(s):
    return f'{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}'
""",
    "balanced-brackets": """
def solve(s):
    p, st = {')': '(', ']': '[', '}': '{'}, []
    for c in s:
        if c in '([{':
            st.append(c)
        elif c in p:
            if not st or st.pop() != p[c]:
                return False
    return not st
""",
    "roman": """
def solve(n):
    out = ''
    for v, s in ((1000,'M'),(900,'CM'),(500,'D'),(400,'CD'),(100,'C'),(90,'XC'),(50,'L'),(40,'XL'),(10,'X'),(9,'IX'),(5,'V'),(4,'IV'),(1,'I')):
        while n >= v:
            out += s
            n -= v
    return out
""",
    "merge-intervals": """
def solve(x):
    out = []
    for s, e in sorted(x):
        if out and s <= out[-1][1]:
            out[-1][1] = max(out[-1][1], e)
        else:
            out.append([s, e])
    return out
""",
    "binary-search": """
def solve(x, t):
    return x.index(t) if t in x else -1
""",
    "run-length": """
def solve(s):
    out = []
    for c in s:
        if out and out[-1][0] == c:
            out[-1][1] += 1
        else:
            out.append([c, 1])
    return out
""",
    "anagrams": """
def solve(w):
    g = {}
    for x in w:
        g.setdefault(''.join(sorted(x)), []).append(x)
    return sorted(sorted(v) for v in g.values())
""",
    "matrix-transpose": """
def solve(m):
    return [list(r) for r in zip(*m)]
""",
    "spiral": """
def solve(m):
    m, out = [list(r) for r in m], []
    while m:
        out += m.pop(0)
        m = [list(r) for r in zip(*m)][::-1]
    return out
""",
    "two-sum": """
def solve(n, t):
    for i in range(len(n)):
        for j in range(i + 1, len(n)):
            if n[i] + n[j] == t:
                return [i, j]
""",
    "levenshtein": """
def solve(a, b):
    p = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        q = [i]
        for j, y in enumerate(b, 1):
            q.append(min(p[j] + 1, q[-1] + 1, p[j - 1] + (x != y)))
        p = q
    return p[-1]
""",
    "primes-below": """
def solve(n):
    return [i for i in range(2, n) if all(i % d for d in range(2, int(i ** 0.5) + 1))]
""",
    "gcd-of-list": """
def solve(n):
    import math
    return math.gcd(*n)
""",
    "longest-run": """
def solve(n):
    best = cur = 0
    for i, x in enumerate(n):
        cur = cur + 1 if i and x > n[i - 1] else 1
        best = max(best, cur)
    return best
""",
    "max-subarray": """
def solve(n):
    best = cur = n[0]
    for x in n[1:]:
        cur = max(x, cur + x)
        best = max(best, cur)
    return best
""",
    "topological": """
def solve(n, pairs):
    out = []
    left = set(range(n))
    while left:
        free = [t for t in sorted(left) if not any(b == t and a in left for a, b in pairs)]
        if not free:
            return []
        out.append(free[0])
        left.discard(free[0])
    return out
""",
    "shortest-path": """
def solve(g):
    seen, q = {(0, 0): 0}, [(0, 0)]
    for r, c in q:
        for y, x in ((r+1,c),(r-1,c),(r,c+1),(r,c-1)):
            if 0 <= y < len(g) and 0 <= x < len(g[0]) and g[y][x] == '.' and (y, x) not in seen:
                seen[y, x] = seen[r, c] + 1
                q.append((y, x))
    return seen.get((len(g) - 1, len(g[0]) - 1), -1)
""",
    "coin-change": """
def solve(c, t):
    best = [0] + [None] * t
    for i in range(1, t + 1):
        o = [best[i - x] for x in c if x <= i and best[i - x] is not None]
        best[i] = min(o) + 1 if o else None
    return -1 if best[t] is None else best[t]
""",
    "group-anniversaries": """
def solve(d):
    out = {}
    for x in sorted(d, key=lambda x: int(x[8:])):
        out.setdefault(str(int(x[5:7])), []).append(int(x[8:]))
    return out
""",
    "parse-query": """
def solve(q):
    out = {}
    for p in q.split('&') if q else []:
        k, _, v = p.partition('=')
        out.setdefault(k, []).append(v)
    return out
""",
    "evaluate-rpn": """
def solve(t):
    s = []
    for x in t:
        if x in ('+', '-', '*'):
            b, a = s.pop(), s.pop()
            s.append(a + b if x == '+' else a - b if x == '-' else a * b)
        else:
            s.append(int(x))
    return s[0]
""",
    "tournament-table": """
def solve(g):
    p = {}
    for h, a, x, y in g:
        p[h] = p.get(h, 0) + (3 if x > y else x == y)
        p[a] = p.get(a, 0) + (3 if y > x else x == y)
    return sorted(p, key=lambda t: (-p[t], t))
""",
    "moving-average": """
def solve(n, k):
    return [sum(n[i:i + k]) / k for i in range(len(n) - k + 1)]
""",
    "caesar": """
def solve(s, k):
    out = ''
    for c in s:
        if 'a' <= c <= 'z' or 'A' <= c <= 'Z':
            b = 97 if c >= 'a' else 65
            c = chr((ord(c) - b + k) % 26 + b)
        out += c
    return out
""",
    "change-in-coins": """
def solve(n):
    out = {}
    for c in (50, 20, 10, 5, 2, 1):
        if n // c:
            out[str(c)] = n // c
        n %= c
    return out
""",
}

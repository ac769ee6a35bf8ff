/* Lists, hash tables, trees: the first two work. */
#ifndef SEATS_LINUX_KERNEL_LISTS_H_
#define SEATS_LINUX_KERNEL_LISTS_H_

struct list_head {
  struct list_head *next, *prev;
};
struct hlist_node {
  struct hlist_node *next, **pprev;
};
struct hlist_head {
  struct hlist_node* first;
};
struct rb_node {
  unsigned long color;
  struct rb_node *rb_right, *rb_left;
};
struct rb_root {
  struct rb_node* rb_node;
};
struct rb_root_cached {
  struct rb_root root;
  struct rb_node* leftmost;
};
struct interval_tree_node {
  struct rb_node rb;
  unsigned long start, last, subtree_last;
};
struct rcu_head {
  void* next;
  void (*function)(struct rcu_head*);
};
#define callback_head rcu_head
struct idr {
  void* head;
};
struct xarray {
  void* head;
};
#define HLIST_HEAD(name) struct hlist_head name = {0}
#define LIST_HEAD_INIT(name) {&(name), &(name)}
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)
static inline void INIT_LIST_HEAD(struct list_head* list) {
  list->next = list->prev = list;
}
static inline bool list_empty(const struct list_head* list) {
  return list->next == list;
}
static inline void list_link(struct list_head* node, struct list_head* before,
                             struct list_head* after) {
  node->prev = before;
  node->next = after;
  before->next = after->prev = node;
}
static inline void list_add(struct list_head* node, struct list_head* list) {
  list_link(node, list, list->next);
}
static inline void list_add_tail(struct list_head* node,
                                 struct list_head* list) {
  list_link(node, list->prev, list);
}
#define list_add_rcu list_add
#define list_add_tail_rcu list_add_tail
static inline void list_del(struct list_head* node) {
  node->next->prev = node->prev;
  node->prev->next = node->next;
  node->next = node->prev = 0;
}
#define list_del_rcu list_del
static inline void list_del_init(struct list_head* node) {
  list_del(node);
  INIT_LIST_HEAD(node);
}
static inline void list_move(struct list_head* node, struct list_head* list) {
  list_del(node);
  list_add(node, list);
}
static inline void list_move_tail(struct list_head* node,
                                  struct list_head* list) {
  list_del(node);
  list_add_tail(node, list);
}
static inline void list_splice_init(struct list_head* from,
                                    struct list_head* to) {
  while (!list_empty(from)) list_move(from->prev, to);
}
#define list_splice_tail_init list_splice_init
#define list_entry(node, type, member) container_of(node, type, member)
#define list_first_entry(list, type, member) \
  list_entry((list)->next, type, member)
#define list_last_entry(list, type, member) \
  list_entry((list)->prev, type, member)
#define list_first_entry_or_null(list, type, member) \
  (list_empty(list) ? 0 : list_first_entry(list, type, member))
#define list_first_or_null_rcu list_first_entry_or_null
#define list_next_or_null_rcu(list, node, type, member) \
  ((node)->next == (list) ? 0 : list_entry((node)->next, type, member))
#define list_next_entry(item, member) \
  list_entry((item)->member.next, __typeof__(*(item)), member)
#define list_prev_entry(item, member) \
  list_entry((item)->member.prev, __typeof__(*(item)), member)
#define list_for_each(node, list) \
  for ((node) = (list)->next; (node) != (list); (node) = (node)->next)
#define list_for_each_entry(item, list, member, ...)                   \
  for ((item) = list_entry((list)->next, __typeof__(*(item)), member); \
       &(item)->member != (list); (item) = list_next_entry(item, member))
/* From the item after `item`, which may be that of the list itself. */
#define list_for_each_entry_continue(item, list, member)                  \
  for ((item) = list_next_entry(item, member); &(item)->member != (list); \
       (item) = list_next_entry(item, member))
#define list_prepare_entry(item, list, member) \
  ((item) ? (item) : list_entry(list, __typeof__(*(item)), member))
#define list_for_each_entry_rcu list_for_each_entry
#define list_for_each_entry_lockless list_for_each_entry
#define list_for_each_entry_srcu list_for_each_entry
#define list_for_each_entry_reverse(item, list, member)                \
  for ((item) = list_entry((list)->prev, __typeof__(*(item)), member); \
       &(item)->member != (list); (item) = list_prev_entry(item, member))
#define list_for_each_entry_safe(item, other, list, member)            \
  for ((item) = list_entry((list)->next, __typeof__(*(item)), member), \
      (other) = list_next_entry(item, member);                         \
       &(item)->member != (list);                                      \
       (item) = (other), (other) = list_next_entry(other, member))
#define list_for_each_entry_safe_reverse(item, other, list, member)    \
  for ((item) = list_entry((list)->prev, __typeof__(*(item)), member), \
      (other) = list_prev_entry(item, member);                         \
       &(item)->member != (list);                                      \
       (item) = (other), (other) = list_prev_entry(other, member))

#define HLIST_HEAD_INIT {0}
#define INIT_HLIST_HEAD(list) ((list)->first = 0)
#define DECLARE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)]
#define hlist_empty(list) ((list)->first == 0)
static inline void hlist_add_head(struct hlist_node* node,
                                  struct hlist_head* list) {
  node->next = list->first;
  if (node->next != 0) node->next->pprev = &node->next;
  list->first = node;
  node->pprev = &list->first;
}
static inline void hlist_del(struct hlist_node* node) {
  *node->pprev = node->next;
  if (node->next != 0) node->next->pprev = node->pprev;
}
#define hlist_del_init hlist_del
#define hlist_del_rcu hlist_del
#define hlist_add_head_rcu hlist_add_head
#define hlist_unhashed(node) ((node)->pprev == 0)
#define hlist_entry(node, type, member) container_of(node, type, member)
#define hlist_entry_safe(node, type, member)              \
  ({                                                      \
    __typeof__(node) safe_node = (node);                  \
    safe_node ? hlist_entry(safe_node, type, member) : 0; \
  })
#define hlist_for_each_entry(item, list, member, ...)                         \
  for ((item) = hlist_entry_safe((list)->first, __typeof__(*(item)), member); \
       item; (item) = hlist_entry_safe((item)->member.next,                   \
                                       __typeof__(*(item)), member))
#define hlist_for_each_entry_rcu hlist_for_each_entry
#define hlist_for_each_entry_srcu hlist_for_each_entry
#define hlist_for_each_entry_safe(item, node, list, member)                   \
  for ((item) = hlist_entry_safe((list)->first, __typeof__(*(item)), member); \
       (item) && ((node) = (item)->member.next, 1);                           \
       (item) = hlist_entry_safe(node, __typeof__(*(item)), member))
#define hash_init(table) ((void)(table))
#define hash_for_each_possible(table, item, member, key, ...) \
  hlist_for_each_entry(item, &(table)[0], member)
#define hash_for_each(table, bucket, item, member) \
  for ((bucket) = 0; (bucket) < 1; ++(bucket))     \
  hlist_for_each_entry(item, &(table)[0], member)
#define hash_add(table, node, key) hlist_add_head(node, &(table)[0])
#define hash_del(node) hlist_del(node)
#define hash_64(value, bits) \
  ((u32)((value) * 0x61c8864680b583ebull >> (64 - (bits))))
#define hash_32(value, bits) ((u32)(value) >> (32 - (bits)))
struct rb_node* rb_first(const struct rb_root* root);
struct rb_node* rb_next(const struct rb_node* node);
#define rb_entry(node, type, member) container_of(node, type, member)
#define RB_ROOT_CACHED \
  (struct rb_root_cached) {}
#define RB_CLEAR_NODE(n) ((void)(n))
void* xa_load(struct xarray* array, unsigned long index);
#define xa_for_each_range(array, index, entry, first, last) \
  for ((index) = (first);                                   \
       (index) <= (last) && ((entry) = xa_load(array, index)); ++(index))
#define xa_for_each(array, index, entry) \
  xa_for_each_range(array, index, entry, 0, 0)
#define xa_mk_value(x) ((void*)((x) << 1 | 1))
#define xa_to_value(x) ((unsigned long)(x) >> 1)
#define DEFINE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)]

#endif /* SEATS_LINUX_KERNEL_LISTS_H_ */
